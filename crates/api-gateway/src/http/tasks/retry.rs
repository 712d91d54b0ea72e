//! `POST /tasks/{task_id}/retry`: one more attempt for a task that failed or was cancelled.

use actix_web::HttpResponse;
use actix_web::web::Data;
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
use crate::tasks::asked::AskError;
use crate::tasks::retry::{self, RetryError};
use crate::tasks::task::Task;

/// Gives a task one more attempt
///
/// Only a task that failed or was cancelled takes one. The attempt comes on top of `max_attempts`. A part of a task that
/// was split takes none once that task has ended or was split anew: retry that one.
#[utoipa::path(
    post,
    path = "/api/v1/tasks/{task_id}/retry",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task")),
    request_body(content = Option<RetryTaskRequest>, examples(("bare" = (value = json!({}))))),
    responses(
        (status = 202, description = "The next attempt is on its way", body = RetryTaskResponse),
        NoSuchTaskOrBadBody,
        WrongState,
        CannotServe,
    )
)]
pub(crate) async fn retry_task(
    state: Data<AppState>,
    operation: Option<OperationId>,
    task_id: PathId<TaskId>,
    _request: OptionalBody<RetryTaskRequest>,
) -> Result<HttpResponse, ApiError> {
    let task_id = task_id.0;
    let tasks = state.tasks.serving(operation);
    let task = retry::retry_task(&tasks, task_id).await.map_err(|error| refusal(error, task_id))?;
    Ok(HttpResponse::Accepted().json(RetryTaskResponse::from(&task)))
}

fn refusal(error: RetryError, task_id: TaskId) -> ApiError {
    match error {
        RetryError::Abandoned { parent } => {
            let detail =
                format!("the task is part of task {parent}, which goes on without it; retry that one");
            ApiError::new(ErrorCode::InvalidTaskState, detail).with_details(json!({ "parent_id": parent }))
        }
        RetryError::Ask(AskError::NotFound) => no_such_task(task_id),
        RetryError::Ask(AskError::WrongState { status, phase }) => {
            let detail =
                format!("the task is {status} ({phase}); only a failed or cancelled one can be retried");
            ApiError::new(ErrorCode::InvalidTaskState, detail)
                .with_details(json!({ "status": status, "phase": phase }))
        }
        RetryError::Ask(AskError::Store(error)) => error.into(),
    }
}

/// There is nothing to say about a retry.
#[derive(Debug, ToSchema)]
pub(crate) struct RetryTaskRequest {}

impl ReadBody for RetryTaskRequest {
    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self {})
    }
}

/// A task that goes on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01", "status": "pending", "attempt": 2
}))]
pub(crate) struct RetryTaskResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Where it is now.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// The attempt that begins.
    attempt: u32,
}

impl From<&Task> for RetryTaskResponse {
    fn from(task: &Task) -> Self {
        Self { task_id: task.submission.id, status: task.status, attempt: task.attempt }
    }
}
