//! `POST /checkpoints/{checkpoint_id}/rollback`: back to the last good state, or what that would do.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::events::RollbackCompleted;
use protocol::{ArtifactId, CheckpointId, ErrorCode, ProjectId, RollbackId, TaskId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchCheckpointOrBadBody};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::provenance::taint::MOST_REASON_CHARS;
use crate::idempotency::OperationId;
use crate::trust::rollbacks::{self, RollbackError};

/// Returns to a checkpoint
///
/// The project's later records no longer count: they are tainted, later checkpoints are invalid, and the tasks behind
/// them run again as new attempts. With `dry_run` nothing changes, and the answer says what would.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/{checkpoint_id}/rollback",
    tag = "provenance",
    params(("checkpoint_id" = Uuid, Path, description = "The checkpoint")),
    request_body(content = Option<RollbackRequest>, examples(
        ("look" = (summary = "Only what it would do", value = json!({ "dry_run": true }))),
        ("reasoned" = (value = json!({ "reason": "The translations were made from the wrong source" }))),
    )),
    responses(
        (status = 200, description = "What it would do", body = RollbackNumbers),
        (status = 202, description = "It will be done", body = RollbackAcceptedResponse),
        NoSuchCheckpointOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn roll_back(
    state: Data<AppState>,
    operation: Option<OperationId>,
    checkpoint_id: PathId<CheckpointId>,
    request: OptionalBody<RollbackRequest>,
) -> Result<HttpResponse, ApiError> {
    let checkpoint = checkpoint_id.0;
    let (reason, dry_run) =
        request.0.map_or((None, false), |request| (request.reason, request.dry_run.unwrap_or_default()));
    if dry_run {
        let told = rollbacks::preview(&state.provenance, checkpoint).await.map_err(refusal)?;
        return Ok(HttpResponse::Ok().json(RollbackNumbers::from(told)));
    }
    let tasks = state.tasks.serving(operation);
    let asked = rollbacks::request(&tasks, &state.provenance, checkpoint, reason.unwrap_or_default());
    let rollback_id = asked.await.map_err(refusal)?;
    Ok(HttpResponse::Accepted().json(RollbackAcceptedResponse { rollback_id }))
}

fn refusal(error: RollbackError) -> ApiError {
    match error {
        RollbackError::NoCheckpoint => {
            ApiError::new(ErrorCode::CheckpointNotFound, "there is no such checkpoint")
        }
        RollbackError::InvalidCheckpoint(why) => ApiError::new(ErrorCode::CheckpointInvalid, why),
        RollbackError::Provenance(error) => error.into(),
        RollbackError::Store(error) => error.into(),
    }
}

/// Why, and whether only to look.
#[derive(Debug, ToSchema)]
pub(crate) struct RollbackRequest {
    /// Why.
    #[schema(min_length = 0, max_length = 2_000)]
    reason: Option<String>,
    /// Whether only the numbers are wanted; `false` when absent.
    dry_run: Option<bool>,
}

impl ReadBody for RollbackRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.optional("reason", |node| node.text(0..=MOST_REASON_CHARS));
        let dry_run = fields.optional("dry_run", |node| node.flag());
        Some(Self { reason, dry_run })
    }
}

/// A rollback on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollbackAcceptedResponse {
    /// Its id, for `GET /rollbacks/{rollback_id}`.
    #[schema(value_type = Uuid)]
    rollback_id: RollbackId,
}

/// What a rollback changes, in the shape of `rollback.completed`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollbackNumbers {
    /// Which; a dry run has an id of no meaning.
    #[schema(value_type = Uuid)]
    rollback_id: RollbackId,
    /// Where to.
    #[schema(value_type = Uuid)]
    checkpoint_id: CheckpointId,
    /// Of which project.
    #[schema(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    /// How the checkpoint came to be.
    trigger: Option<String>,
    /// Records that no longer count.
    records_invalidated: u64,
    /// Artifacts that no longer count.
    #[schema(value_type = Vec<String>)]
    artifact_ids: Vec<ArtifactId>,
    /// Tasks to run again.
    #[schema(value_type = Vec<Uuid>)]
    task_ids: Vec<TaskId>,
    /// Whether nothing was changed.
    dry_run: bool,
}

impl From<RollbackCompleted> for RollbackNumbers {
    fn from(told: RollbackCompleted) -> Self {
        Self {
            rollback_id: told.rollback_id,
            checkpoint_id: told.checkpoint_id,
            project_id: told.project_id,
            trigger: told.trigger,
            records_invalidated: told.records_invalidated,
            artifact_ids: told.artifact_ids,
            task_ids: told.task_ids,
            dry_run: told.dry_run,
        }
    }
}
