//! `GET /projects/{project_id}/checkpoints`: where the project can be returned to.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::ensure_known;
use super::view::CheckpointResponse;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrNoAnswer};
use crate::http::page::Part;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::Query;

/// Lists a project's checkpoints
///
/// The newest first, invalid ones included; at most 200.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/checkpoints",
    tag = "provenance",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$"), Part),
    responses(
        (status = 200, description = "The checkpoints", body = CheckpointListResponse),
        NoSuchProjectOrNoAnswer,
        CannotServe,
    )
)]
pub(crate) async fn list_checkpoints(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    part: Query<Part>,
) -> Result<Json<CheckpointListResponse>, ApiError> {
    let project_id = project_id.0;
    let found = state.provenance.list_checkpoints(project_id.clone()).await?;
    ensure_known(&state, &project_id, Some(&found)).await?;
    let total = found.len();
    let checkpoints = part.0.of(found).into_iter().map(CheckpointResponse::from).collect();
    Ok(Json(CheckpointListResponse { checkpoints, total }))
}

/// A project's checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckpointListResponse {
    /// The newest first.
    checkpoints: Vec<CheckpointResponse>,
    /// How many the project has, up to 200.
    total: usize,
}
