//! `PUT /projects/{project_id}`: changes what is given and keeps the rest.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use utoipa::ToSchema;

use super::refusal;
use super::request::{
    MOST_DESCRIPTION_CHARS, MOST_NAME_CHARS, MOST_URL_CHARS, ProjectConfigRequest, read_config,
};
use super::view::ProjectView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadBody};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::projects::catalogue;
use crate::projects::project::ProjectChange;

/// Changes a project
///
/// What is not given, or `null`, stays as it is, also inside `config`. Tasks keep what they began with.
#[utoipa::path(
    put,
    path = "/api/v1/projects/{project_id}",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = UpdateProjectRequest, examples(
        ("slots" = (summary = "More tasks at a time", value = json!({ "config": { "max_concurrent": 20 } }))),
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
    request: RequestBody<UpdateProjectRequest>,
) -> Result<Json<ProjectView>, ApiError> {
    let change = request.0.into();
    let project = catalogue::change_project(&state.tasks, &project_id.0, change).await.map_err(refusal)?;
    Ok(Json(project.into()))
}

/// What is to be changed.
#[derive(Debug, PartialEq, ToSchema)]
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

impl ReadBody for UpdateProjectRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            name: fields.optional("name", |node| node.text(1..=MOST_NAME_CHARS)),
            description: fields.optional("description", |node| node.text(0..=MOST_DESCRIPTION_CHARS)),
            config: read_config(fields),
            repo_url: fields.optional("repo_url", |node| node.text(1..=MOST_URL_CHARS)),
        })
    }
}

impl From<UpdateProjectRequest> for ProjectChange {
    fn from(request: UpdateProjectRequest) -> Self {
        Self {
            name: request.name,
            description: request.description,
            repo_url: request.repo_url,
            config: request.config.unwrap_or_default().into(),
            constitution: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    fn read(body: &str) -> Result<ProjectChange, Vec<String>> {
        read_body::<UpdateProjectRequest>(body.as_bytes(), &ConfiguredWords::default())
            .map(Into::into)
            .map_err(|error| error.fields())
    }

    #[test]
    fn nothing_given_changes_nothing() {
        for body in ["{}", r#"{"name":null,"config":{"qa_profile":null}}"#] {
            assert_eq!(read(body).unwrap(), ProjectChange::default(), "{body}");
        }
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
