//! `PUT /projects/{project_id}`: changes what is given and keeps the rest.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use utoipa::ToSchema;

use super::refusal;
use super::request::{
    MOST_DESCRIPTION_CHARS, MOST_NAME_CHARS, MOST_URL_CHARS, ProjectConfigRequest, read_config_change,
};
use super::view::ProjectView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadBody};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::projects::catalogue;
use crate::projects::project::{Change, ProjectChange};

/// Changes a project
///
/// What is not given stays as it is, also inside `config`; `null` unsets a value, but for the name, which every
/// project has. Tasks keep what they began with.
#[utoipa::path(
    put,
    path = "/api/v1/projects/{project_id}",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = UpdateProjectRequest, examples(
        ("slots" = (summary = "More tasks at a time", value = json!({ "config": { "max_concurrent": 20 } }))),
        ("unset" = (summary = "The service's number of slots again", value = json!({
            "config": { "max_concurrent": null }
        }))),
        ("text" = (summary = "Values as text", value = json!({
            "config": { "max_concurrent": "20", "escalate_tier": "true", "qa_profile": "strict" }
        }))),
    )),
    responses(
        (status = 200, description = "The project as it is now", body = ProjectView),
        NoSuchProjectOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn update_project(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    request: RequestBody<UpdateProjectBody>,
) -> Result<Json<ProjectView>, ApiError> {
    let change = request.0.0;
    let project = catalogue::change_project(&state.tasks, &project_id.0, change).await.map_err(refusal)?;
    Ok(Json(project.into()))
}

/// What is to be changed; names the schema of [`UpdateProjectBody`].
#[derive(ToSchema)]
#[expect(dead_code, reason = "names a schema and has no values")]
pub(crate) struct UpdateProjectRequest {
    /// What people call it; its id stays.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    name: Option<String>,
    /// What it is for.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// What its tasks begin with.
    config: Option<ProjectConfigRequest>,
    /// Where its code lives.
    #[schema(min_length = 1, max_length = 2048)]
    repo_url: Option<String>,
}

/// The change itself: other than [`UpdateProjectRequest`] it tells `null` from nothing.
#[derive(Debug)]
pub(crate) struct UpdateProjectBody(ProjectChange);

impl ReadBody for UpdateProjectBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let description = fields.change("description", |node| node.text(0..=MOST_DESCRIPTION_CHARS));
        Some(Self(ProjectChange {
            name: fields.optional("name", |node| node.text(1..=MOST_NAME_CHARS)),
            description: match description {
                Change::Keep => None,
                Change::Unset => Some(String::new()),
                Change::Set(text) => Some(text),
            },
            config: read_config_change(fields),
            repo_url: fields.change("repo_url", |node| node.text(1..=MOST_URL_CHARS)),
            constitution: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;
    use crate::projects::project::ConfigChange;

    fn read(body: &str) -> Result<ProjectChange, Vec<String>> {
        read_body::<UpdateProjectBody>(body.as_bytes(), &ConfiguredWords::default())
            .map(|body| body.0)
            .map_err(|error| error.fields())
    }

    #[test]
    fn nothing_given_changes_nothing() {
        for body in ["{}", r#"{"name":null,"config":{}}"#] {
            assert_eq!(read(body).unwrap(), ProjectChange::default(), "{body}");
        }
    }

    #[test]
    fn null_unsets_a_value() {
        let change =
            read(r#"{"description":null,"repo_url":null,"config":{"max_concurrent":null}}"#).unwrap();
        assert_eq!((change.description.as_deref(), change.repo_url), (Some(""), Change::Unset));
        let slots = ConfigChange { max_concurrent: Change::Unset, ..ConfigChange::default() };
        assert_eq!(change.config, slots);
        let all = read(r#"{"config":null}"#).unwrap().config;
        assert_eq!((all.qa_profile, all.escalate_tier), (Change::Unset, Change::Unset));
    }

    #[test]
    fn every_bad_field_is_named() {
        for (body, fields) in [
            (r#"{"name":"","repo_url":7}"#, vec!["name", "repo_url"]),
            (r#"{"config":[]}"#, vec!["config"]),
            (r#"{"config":{"max_concurrent":1.5}}"#, vec!["config.max_concurrent"]),
            (r#"{"constitution":{}}"#, vec!["constitution"]),
        ] {
            assert_eq!(read(body).unwrap_err(), fields, "{body}");
        }
    }
}
