//! `GET /projects/{project_id}`: one project.

use actix_web::web::{Data, Json};
use protocol::ProjectId;

use super::refusal;
use super::view::ProjectView;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::projects::catalogue;

/// Shows a project
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 200, description = "The project", body = ProjectView),
        NoSuchProjectOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_project(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _: Query<NoParameters>,
) -> Result<Json<ProjectView>, ApiError> {
    let project = catalogue::find_project(&state.tasks, &project_id.0).await.map_err(refusal)?;
    Ok(Json(project.into()))
}
