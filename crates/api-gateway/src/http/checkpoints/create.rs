//! `POST /projects/{project_id}/checkpoints`: a point that can be returned to.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::{CheckpointId, ProjectId};
use utoipa::ToSchema;

use super::ensure_known;
use super::view::CheckpointResponse;
use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadCheckpoint};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::provenance::taint::MOST_REASON_CHARS;
use crate::idempotency::OperationId;

/// Makes a checkpoint
///
/// The newest ten of a project can be returned to, whoever made them; older ones are kept, marked invalid.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{project_id}/checkpoints",
    tag = "provenance",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = Option<CreateCheckpointRequest>, examples(
        ("described" = (value = json!({ "description": "Before the translation" }))),
        ("bare" = (value = json!({}))),
    )),
    responses(
        (status = 201, description = "The checkpoint", body = CheckpointResponse),
        NoSuchProjectOrBadCheckpoint,
        CannotServe,
    )
)]
pub(crate) async fn create_checkpoint(
    state: Data<AppState>,
    operation: Option<OperationId>,
    project_id: PathId<ProjectId>,
    request: OptionalBody<CreateCheckpointRequest>,
) -> Result<HttpResponse, ApiError> {
    ensure_known(&state, &project_id.0, None).await?;
    let description = request.0.and_then(|request| request.description).unwrap_or_default();
    let id = CheckpointId(state.tasks.serving(operation).id_to_make().as_uuid());
    let made = state.provenance.create_checkpoint(id, project_id.0, description).await?;
    Ok(HttpResponse::Created().json(CheckpointResponse::from(made)))
}

/// What the checkpoint is for.
#[derive(Debug, ToSchema)]
pub(crate) struct CreateCheckpointRequest {
    /// In words.
    #[schema(min_length = 0, max_length = 2_000)]
    description: Option<String>,
}

impl ReadBody for CreateCheckpointRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { description: fields.optional("description", |node| node.text(0..=MOST_REASON_CHARS)) })
    }
}
