//! `POST /projects/{project_id}/pause` and `/resume`: whether tasks of a project are released.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{PauseView, ReasonRequest};
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::OptionalBody;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadBody};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::projects::no_such_project;
use crate::pauses::{self, PauseRequest};

/// Pauses a project
///
/// None of its tasks is released any more, retries included; what runs goes on. Tasks are still taken in, and say
/// what they wait for. Pausing a paused project only changes the reason.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{project_id}/pause",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = Option<ReasonRequest>, examples(
        ("reasoned" = (value = json!({ "reason": "The repository is being moved" }))),
    )),
    responses(
        (status = 200, description = "The project is paused", body = ProjectPauseResponse),
        NoSuchProjectOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn pause_project(
    state: Data<AppState>,
    caller: Caller,
    project_id: PathId<ProjectId>,
    request: OptionalBody<ReasonRequest>,
) -> Result<Json<ProjectPauseResponse>, ApiError> {
    let project_id = project_id.0;
    let pause =
        pauses::pause_project(&state.tasks, &project_id, &PauseRequest::of(&caller, request.0)).await?;
    let pause = pause.ok_or_else(|| no_such_project(&project_id))?;
    Ok(Json(ProjectPauseResponse { project_id, paused: Some(pause.into()) }))
}

/// Resumes a project
///
/// Its tasks are released again. Resuming a project that is not paused is no error.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{project_id}/resume",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = Option<ReasonRequest>, examples(("bare" = (value = json!({}))))),
    responses(
        (status = 200, description = "The project is not paused", body = ProjectPauseResponse,
            example = json!({ "project_id": "docs-site", "paused": null })),
        NoSuchProjectOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn resume_project(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _request: OptionalBody<ReasonRequest>,
) -> Result<Json<ProjectPauseResponse>, ApiError> {
    let project_id = project_id.0;
    if !pauses::resume_project(&state.tasks, &project_id).await? {
        return Err(no_such_project(&project_id));
    }
    Ok(Json(ProjectPauseResponse { project_id, paused: None }))
}

/// Whether a project's tasks are released.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "project_id": "docs-site",
    "paused": { "since": "2024-07-27T11:00:00.482017Z", "reason": "The repository is being moved",
        "by": "anna" }
}))]
pub(crate) struct ProjectPauseResponse {
    /// The project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Why and since when they are not; `null` when they are.
    paused: Option<PauseView>,
}
