//! `POST /tasks/{task_id}/release`: a task that is held because of a tainted input goes on all the same.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::{ErrorCode, TaskId};
use serde_json::json;
use utoipa::ToSchema;

use super::no_such_task;
use super::retry::RetryTaskResponse;
use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadBody, WrongState};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::provenance::taint::MOST_REASON_CHARS;
use crate::idempotency::OperationId;
use crate::tasks::asked::AskError;
use crate::trust::release;

/// Lets a held task go on
///
/// For a task that waits because an input is tainted. It is not held for its inputs again, whatever is found wrong with
/// them; what it produces is suspect.
#[utoipa::path(
    post,
    path = "/api/v1/tasks/{task_id}/release",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task")),
    request_body(content = Option<ReleaseTaskRequest>, examples(
        ("reasoned" = (value = json!({ "reason": "The wrong price is not used here" }))),
        ("bare" = (value = json!({}))),
    )),
    responses(
        (status = 202, description = "The task goes on", body = RetryTaskResponse),
        NoSuchTaskOrBadBody,
        WrongState,
        CannotServe,
    )
)]
pub(crate) async fn release_task(
    state: Data<AppState>,
    operation: Option<OperationId>,
    task_id: PathId<TaskId>,
    request: OptionalBody<ReleaseTaskRequest>,
) -> Result<HttpResponse, ApiError> {
    let reason = request.0.and_then(|request| request.reason);
    let released = release::release_task(&state.tasks.serving(operation), task_id.0, reason).await;
    let task = released.map_err(|error| refusal(error, task_id.0))?;
    Ok(HttpResponse::Accepted().json(RetryTaskResponse::from(&task)))
}

fn refusal(error: AskError, task_id: TaskId) -> ApiError {
    match error {
        AskError::NotFound => no_such_task(task_id),
        AskError::WrongState { status, phase } => {
            let detail = format!("the task is {status} ({phase}); no tainted input holds it");
            ApiError::new(ErrorCode::InvalidTaskState, detail)
                .with_details(json!({ "status": status, "phase": phase }))
        }
        AskError::Store(error) => error.into(),
    }
}

/// Why it may go on.
#[derive(Debug, ToSchema)]
pub(crate) struct ReleaseTaskRequest {
    /// In words, for the history.
    #[schema(min_length = 0, max_length = 2_000)]
    reason: Option<String>,
}

impl ReadBody for ReleaseTaskRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.optional("reason", |node| node.text(0..=MOST_REASON_CHARS)) })
    }
}
