//! `POST /projects`: makes a project before its first task does.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use protocol::ProjectId;
use utoipa::ToSchema;

use super::refusal;
use super::request::{
    MOST_DESCRIPTION_CHARS, MOST_NAME_CHARS, MOST_URL_CHARS, ProjectConfigRequest, read_config,
};
use super::view::ProjectView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{BadProject, CannotServe};
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::projects::catalogue;
use crate::projects::project::NewProject;

/// Makes a project
///
/// Its id is the name in lower case, with `-` for blanks.
#[utoipa::path(
    post,
    path = "/api/v1/projects",
    tag = "projects",
    request_body(content = CreateProjectRequest, examples(
        ("minimal" = (summary = "Only a name", value = json!({ "name": "Docs Site" }))),
        ("configured" = (summary = "With what its tasks begin with", value = json!({
            "name": "Docs Site",
            "description": "Everything that users read",
            "config": { "qa_profile": "documentation", "default_mode": "autonomous", "max_concurrent": 4,
                "escalate_tier": false },
            "repo_url": "https://git.example.org/docs.git"
        }))),
    )),
    responses(
        (status = 201, description = "The project is made", body = ProjectView,
            headers(("Location" = String, description = "Where the project is"))),
        BadProject,
        CannotServe,
    )
)]
pub(crate) async fn create_project(
    state: Data<AppState>,
    operation: Option<OperationId>,
    request: RequestBody<CreateProjectRequest>,
) -> Result<HttpResponse, ApiError> {
    let tasks = state.tasks.serving(operation);
    let project = catalogue::create_project(&tasks, &request.0.into()).await.map_err(refusal)?;
    let view = ProjectView::from(project);
    let location = format!("{}/projects/{}", crate::http::API_PREFIX, view.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(view))
}

/// A project that is to be made.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct CreateProjectRequest {
    /// What people call it: letters, digits, blanks and `. _ : -`.
    #[schema(value_type = String, min_length = 1, max_length = 100, pattern = r"^[A-Za-z0-9._: -]*[A-Za-z0-9._:-][A-Za-z0-9._: -]*$")]
    name: ProjectName,
    /// What it is for.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// What its tasks begin with.
    config: Option<ProjectConfigRequest>,
    /// Where its code lives.
    #[schema(min_length = 1, max_length = 2048)]
    repo_url: Option<String>,
}

/// A name and the id that follows from it.
#[derive(Debug, PartialEq)]
struct ProjectName {
    name: String,
    id: ProjectId,
}

impl ProjectName {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", |node| node.text(1..=MOST_NAME_CHARS))?;
        let dashed = |letter: char| if letter.is_whitespace() { '-' } else { letter };
        match ProjectId::new(name.to_lowercase().chars().map(dashed).collect::<String>()) {
            Ok(id) => Some(Self { name, id }),
            Err(rule) => {
                fields.refuse("name", format!("makes no project id: {rule}"));
                None
            }
        }
    }
}

impl ReadBody for CreateProjectRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = ProjectName::read(fields);
        let description = fields.optional("description", |node| node.text(0..=MOST_DESCRIPTION_CHARS));
        let config = read_config(fields);
        let repo_url = fields.optional("repo_url", |node| node.text(1..=MOST_URL_CHARS));
        Some(Self { name: name?, description, config, repo_url })
    }
}

impl From<CreateProjectRequest> for NewProject {
    fn from(request: CreateProjectRequest) -> Self {
        Self {
            id: request.name.id,
            name: request.name.name,
            description: request.description.unwrap_or_default(),
            repo_url: request.repo_url,
            config: request.config.unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;
    use crate::projects::project::ProjectConfig;
    use protocol::vocabulary::ExecutionMode;
    use serde_json::json;

    fn read(body: &serde_json::Value) -> Result<NewProject, Vec<String>> {
        read_body::<CreateProjectRequest>(body.to_string().as_bytes(), &ConfiguredWords::default())
            .map(Into::into)
            .map_err(|error| error.fields())
    }

    #[test]
    fn the_id_is_the_name_in_lower_case_with_dashes() {
        for (name, id) in [("Web", "web"), ("My New Project", "my-new-project"), ("a.b_c:d-E", "a.b_c:d-e")] {
            let project = read(&json!({ "name": name, "description": null })).unwrap();
            assert_eq!((project.id.as_str(), project.name.as_str()), (id, name));
        }
    }

    #[test]
    fn configuration_is_taken_as_text_or_typed() {
        let expected = ProjectConfig {
            qa_profile: None,
            default_mode: Some(ExecutionMode::Collaborative),
            max_concurrent: Some(7),
            escalate_tier: Some(false),
        };
        for config in [
            json!({ "default_mode": "collaborative", "max_concurrent": 7, "escalate_tier": false }),
            json!({ "default_mode": "collaborative", "max_concurrent": "7", "escalate_tier": "False" }),
        ] {
            assert_eq!(read(&json!({ "name": "web", "config": config })).unwrap().config, expected);
        }
    }

    #[test]
    fn every_bad_field_is_named() {
        for (body, fields) in [
            (json!({}), vec!["name"]),
            (json!({ "name": "" }), vec!["name"]),
            (json!({ "name": " " }), vec!["name"]),
            (json!({ "name": "a/b" }), vec!["name"]),
            (json!({ "name": "Größe" }), vec!["name"]),
            (json!({ "name": "x".repeat(101) }), vec!["name"]),
            (json!({ "name": 5, "description": 5, "repo_url": "" }), vec!["name", "description", "repo_url"]),
            (json!({ "name": "a", "config": { "max_concurrent": 0 } }), vec!["config.max_concurrent"]),
            (json!({ "name": "a", "config": { "max_concurrent": "many" } }), vec!["config.max_concurrent"]),
            (json!({ "name": "a", "config": { "escalate_tier": "5" } }), vec!["config.escalate_tier"]),
            (
                json!({ "name": "a", "config": { "qa_profile": "lax", "default_mode": "solo", "colour": 1 } }),
                vec!["config.qa_profile", "config.default_mode", "config.colour"],
            ),
            (json!({ "name": "a", "id": "b" }), vec!["id"]),
        ] {
            assert_eq!(read(&body).unwrap_err(), fields, "{body}");
        }
    }
}
