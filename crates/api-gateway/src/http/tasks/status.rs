//! `GET /tasks/{task_id}/status`: the few fields that a polling client needs.

use actix_web::web::{Data, Json};
use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{ProjectId, TaskId, Timestamp, TraceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::no_such_task;
use super::view::{ErrorView, ProgressView, WaitingView};
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadInput};
use crate::http::openapi::vocabulary::{PhaseWord, TaskStatusWord};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::tasks::task::Task;

/// Shows where a task is
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}/status",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task")),
    responses(
        (status = 200, description = "Where the task is", body = TaskStatusResponse),
        NoSuchTaskOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_task_status(
    state: Data<AppState>,
    task_id: PathId<TaskId>,
    _: Query<NoParameters>,
) -> Result<Json<TaskStatusResponse>, ApiError> {
    let task_id = task_id.0;
    let task = state.reader.find(task_id).await?;
    let task = task.ok_or_else(|| no_such_task(task_id))?;
    Ok(Json(task.into()))
}

/// Where a task is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
    "project_id": "docs-site",
    "status": "running",
    "phase": "executing",
    "attempt": 1,
    "progress": { "percent": 40.0, "message": "Translated 2 of 5 sections", "total_subtasks": 0,
        "completed_subtasks": 0, "failed_subtasks": 0, "pending_review": 0 },
    "waiting_for": null,
    "error": null,
    "updated_at": "2024-07-27T09:59:37.050166Z",
    "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913"
}))]
pub(crate) struct TaskStatusResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Its status.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Where inside the status.
    #[schema(value_type = PhaseWord)]
    phase: Phase,
    /// Which pass, from 1.
    attempt: u32,
    /// How far it is.
    progress: ProgressView,
    /// Why it does not go on at the moment.
    waiting_for: Option<WaitingView>,
    /// Why it failed.
    error: Option<ErrorView>,
    /// When it last changed.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
}

impl From<Task> for TaskStatusResponse {
    fn from(task: Task) -> Self {
        Self {
            progress: ProgressView::of(&task),
            task_id: task.submission.id,
            project_id: task.submission.project_id,
            status: task.status,
            phase: task.phase,
            attempt: task.attempt,
            waiting_for: task.waiting.map(Into::into),
            error: task.error.map(Into::into),
            updated_at: task.updated_at.into(),
            trace_id: task.submission.trace_id,
        }
    }
}
