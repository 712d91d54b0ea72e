//! `POST /tasks/{task_id}/cancel`: ends a task that has not ended by itself. Asking twice is no error.

use actix_web::web::{Data, Json};
use protocol::vocabulary::TaskStatus;
use protocol::{ErrorCode, TaskId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::no_such_task;
use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadBody, WrongState};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::tasks::cancellation::{self, CancelError, Cancelled};

/// Most characters of a reason.
const MOST_REASON_CHARS: usize = 10_000;

/// Cancels a task
///
/// Works in every phase in which the task has not ended. A task that is cancelled already is answered the same way.
#[utoipa::path(
    post,
    path = "/api/v1/tasks/{task_id}/cancel",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task")),
    request_body(content = Option<CancelTaskRequest>, examples(
        ("reasoned" = (value = json!({ "reason": "No longer needed" }))),
        ("bare" = (value = json!({}))),
    )),
    responses(
        (status = 200, description = "The task is cancelled", body = CancelTaskResponse),
        NoSuchTaskOrBadBody,
        WrongState,
        CannotServe,
    )
)]
pub(crate) async fn cancel_task(
    state: Data<AppState>,
    operation: Option<OperationId>,
    task_id: PathId<TaskId>,
    request: OptionalBody<CancelTaskRequest>,
) -> Result<Json<CancelTaskResponse>, ApiError> {
    let task_id = task_id.0;
    let reason = request.0.and_then(|request| request.reason);
    let cancelled = cancellation::cancel_task(&state.tasks.serving(operation), task_id, reason).await;
    Ok(Json(cancelled.map_err(|error| refusal(error, task_id))?.into()))
}

fn refusal(error: CancelError, task_id: TaskId) -> ApiError {
    match error {
        CancelError::NotFound => no_such_task(task_id),
        CancelError::Finished { status } => ApiError::new(
            ErrorCode::InvalidTaskState,
            format!("the task is {status} and cannot be cancelled"),
        )
        .with_details(json!({ "status": status })),
        CancelError::Store(error) => error.into(),
    }
}

/// Why a task is cancelled.
#[derive(Debug, ToSchema)]
pub(crate) struct CancelTaskRequest {
    /// For the history and for those who work on the task.
    #[schema(max_length = 10_000)]
    reason: Option<String>,
}

impl ReadBody for CancelTaskRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.optional("reason", |node| node.text(0..=MOST_REASON_CHARS)) })
    }
}

/// A task that is cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01", "status": "cancelled", "previous_status": "running"
}))]
pub(crate) struct CancelTaskResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Always `cancelled`.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// What it was before.
    #[schema(value_type = TaskStatusWord)]
    previous_status: TaskStatus,
}

impl From<Cancelled> for CancelTaskResponse {
    fn from(cancelled: Cancelled) -> Self {
        Self {
            task_id: cancelled.task_id,
            status: TaskStatus::Cancelled,
            previous_status: cancelled.previous_status,
        }
    }
}
