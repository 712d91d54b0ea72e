//! `POST /cancel/{task_id}`: ends work that has not ended by itself. Unlike under `/tasks`, asking twice is an error.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use protocol::vocabulary::TaskStatus;
use protocol::{ErrorCode, TaskId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrEnded};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::tasks::no_such_task;
use crate::idempotency::OperationId;
use crate::tasks::cancellation::{self, CancelError};

/// Cancels work
///
/// An agent that works on it already is asked to stop; what it answers nevertheless is ignored.
#[utoipa::path(
    post,
    path = "/api/v1/cancel/{task_id}",
    tag = "dispatch",
    params(("task_id" = Uuid, Path, description = "The task")),
    responses(
        (status = 200, description = "The work is cancelled", body = CancelWorkResponse),
        NoSuchTaskOrEnded,
        CannotServe,
    )
)]
pub(crate) async fn cancel_work(
    state: Data<AppState>,
    operation: Option<OperationId>,
    task_id: PathId<TaskId>,
) -> Result<Json<CancelWorkResponse>, ApiError> {
    let task_id = task_id.0;
    let cancelled = cancellation::cancel_task(&state.tasks.serving(operation), task_id, None).await;
    match cancelled.map_err(|error| refusal(error, task_id))?.previous_status {
        TaskStatus::Pending | TaskStatus::Running => {
            Ok(Json(CancelWorkResponse { task_id, status: TaskStatus::Cancelled }))
        }
        ended @ (TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled) => {
            Err(ended_already(ended))
        }
    }
}

fn refusal(error: CancelError, task_id: TaskId) -> ApiError {
    match error {
        CancelError::NotFound => no_such_task(task_id),
        CancelError::Finished { status } => ended_already(status),
        CancelError::Store(error) => error.into(),
    }
}

fn ended_already(status: TaskStatus) -> ApiError {
    ApiError::new(ErrorCode::InvalidTaskState, format!("the task is {status} and cannot be cancelled"))
        .with_status(StatusCode::BAD_REQUEST)
        .with_details(json!({ "status": status }))
}

/// Work that is cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a12", "status": "cancelled" }))]
pub(crate) struct CancelWorkResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Always `cancelled`.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
}
