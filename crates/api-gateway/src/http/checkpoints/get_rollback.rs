//! `GET /rollbacks/{rollback_id}`: how a rollback is going.

use actix_web::web::{Data, Json};
use protocol::events::{Failure, RollbackCompleted};
use protocol::{ErrorCode, RollbackId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchRollback};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::trust::rollbacks;
use crate::trust::store::rollbacks::RollbackRow;

/// Shows a rollback
///
/// `requested` until the provenance-store has done its part, `reopening` while its tasks are given new attempts, then
/// `completed`; `failed` when it was refused, with the reason.
#[utoipa::path(
    get,
    path = "/api/v1/rollbacks/{rollback_id}",
    tag = "provenance",
    params(("rollback_id" = Uuid, Path, description = "The rollback")),
    responses(
        (status = 200, description = "The rollback", body = RollbackResponse),
        NoSuchRollback,
        CannotServe,
    )
)]
pub(crate) async fn get_rollback(
    state: Data<AppState>,
    rollback_id: PathId<RollbackId>,
    _: Query<NoParameters>,
) -> Result<Json<RollbackResponse>, ApiError> {
    let found = rollbacks::find(&state.tasks, rollback_id.0).await?;
    let row = found.ok_or_else(|| ApiError::new(ErrorCode::RollbackNotFound, "there is no such rollback"))?;
    Ok(Json(RollbackResponse::from(row)))
}

/// A rollback.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rollback)]
pub(crate) struct RollbackResponse {
    /// Its id.
    rollback_id: Uuid,
    /// Where to.
    checkpoint_id: Uuid,
    /// Of which project.
    project_id: Option<String>,
    /// Why.
    reason: String,
    /// How far it is.
    #[schema(example = "completed")]
    status: String,
    /// Records that no longer count.
    records_invalidated: u64,
    /// Artifacts that no longer count.
    artifact_ids: Vec<String>,
    /// Tasks that run again.
    task_ids: Vec<Uuid>,
    /// How many tasks were given another attempt so far.
    tasks_reopened: i64,
    /// Always false: a dry run leaves nothing behind.
    dry_run: bool,
    /// Why it was refused.
    error: Option<RollbackFailure>,
    /// When it was asked for.
    #[schema(value_type = DateTime)]
    requested_at: Timestamp,
    /// When the last of its tasks was given another attempt.
    #[schema(value_type = Option<DateTime>)]
    completed_at: Option<Timestamp>,
}

/// Why a rollback was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollbackFailure {
    /// Short name that programs can act on.
    code: String,
    /// For people.
    message: String,
}

impl From<Failure> for RollbackFailure {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message }
    }
}

impl From<RollbackRow> for RollbackResponse {
    fn from(row: RollbackRow) -> Self {
        let told: Option<RollbackCompleted> = row.result.and_then(|told| serde_json::from_value(told).ok());
        let (records_invalidated, artifact_ids, task_ids, error) = told.map_or_else(
            || (0, Vec::new(), Vec::new(), None),
            |told| (told.records_invalidated, told.artifact_ids, told.task_ids, told.error),
        );
        Self {
            rollback_id: row.rollback_id,
            checkpoint_id: row.checkpoint_id,
            project_id: row.project_id,
            reason: row.reason,
            status: row.status,
            records_invalidated,
            artifact_ids: artifact_ids.into_iter().map(String::from).collect(),
            task_ids: task_ids.into_iter().map(|id| id.as_uuid()).collect(),
            tasks_reopened: row.tasks_reopened,
            dry_run: false,
            error: error.map(RollbackFailure::from),
            requested_at: row.requested_at.into(),
            completed_at: row.completed_at.map(Into::into),
        }
    }
}
