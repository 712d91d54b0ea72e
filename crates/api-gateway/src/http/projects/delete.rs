//! `DELETE /projects/{project_id}`: deletes a project that has no tasks.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ProjectId;

use super::refusal;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrInUse};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::projects::catalogue;

/// Deletes a project that has no tasks
///
/// A project that has any stays, because its tasks do; `default` always stays.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{project_id}",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 204, description = "The project is gone"),
        NoSuchProjectOrInUse,
        CannotServe,
    )
)]
pub(crate) async fn delete_project(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
) -> Result<HttpResponse, ApiError> {
    catalogue::delete_project(&state.tasks, &project_id.0).await.map_err(refusal)?;
    Ok(HttpResponse::NoContent().finish())
}
