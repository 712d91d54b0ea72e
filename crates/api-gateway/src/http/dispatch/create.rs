//! `POST /dispatch`: takes work for agents in. The answer is sent only after the task is durable, and is the same
//! however often the same work is handed in.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use protocol::events::JsonObject;
use protocol::vocabulary::{Priority, TaskStatus};
use protocol::{ErrorCode, ProjectId, RequestId, TaskId, TraceId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::guard::AuditSlip;
use crate::http::openapi::answers::{BadDispatch, CannotServe};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::problem::{ApiError, FieldError};
use crate::http::projects::no_such_project;
use crate::http::trace::RequestIdentity;
use crate::tasks::dispatch::{self, DispatchError, Dispatched, NewDispatch};
use crate::tasks::submission::SubmitError;

/// Most characters of a work type.
const MOST_WORK_TYPE_CHARS: usize = 255;
/// Longest time that one attempt may be given, in seconds: a day.
const MOST_TIMEOUT_SECONDS: u32 = 86_400;
/// Most attempts that work may be given.
const MOST_ATTEMPTS: u32 = 20;

/// Dispatches work to an agent
///
/// The work is stored before the answer is sent. The same work under the same `task_id` may be handed in again, for
/// instance when no answer came: it is dispatched once and answered like the first time. The work types that agents
/// take are a setting of the installation; an unknown one is refused with the list of those there are.
#[utoipa::path(
    post,
    path = "/api/v1/dispatch",
    tag = "dispatch",
    request_body(content = DispatchRequest, examples(
        ("minimal" = (summary = "Only what is needed", value = json!({
            "task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a11", "work_type": "echo"
        }))),
        ("urgent" = (summary = "A playbook, before everything else", value = json!({
            "task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a12",
            "work_type": "run_playbook",
            "parameters": { "playbook": "site.yml", "limit": "web" },
            "priority": 5,
            "project_id": "ops",
            "timeout_seconds": 1800
        }))),
    )),
    responses(
        (status = 200, description = "The work is stored", body = DispatchResponse),
        BadDispatch,
        CannotServe,
    )
)]
pub(crate) async fn dispatch_work(
    state: Data<AppState>,
    identity: RequestIdentity,
    caller: Caller,
    slip: AuditSlip,
    request: RequestBody<DispatchRequest>,
) -> Result<Json<DispatchResponse>, ApiError> {
    let new = request.0.into_new_dispatch(identity.trace_id);
    if !caller.sees(&new.project_id) {
        return Err(no_such_project(&new.project_id));
    }
    let audit = slip.take_over(StatusCode::OK, None);
    let dispatched = dispatch::dispatch_work(&state.submitter, state.agents.work_types(), new, audit).await;
    Ok(Json(dispatched.map_err(refusal)?.into()))
}

fn refusal(error: DispatchError) -> ApiError {
    match error {
        DispatchError::UnknownWorkType { known } => {
            let message = format!("must be one of {}", known.join(", "));
            ApiError::new(ErrorCode::InvalidWorkType, format!("work_type: {message}"))
                .with_fields(vec![FieldError { field: "work_type".to_owned(), message }])
                .with_details(json!({ "known_work_types": known }))
        }
        DispatchError::Submit(SubmitError::TaskExists) => ApiError::new(
            ErrorCode::TaskAlreadyExists,
            "there is a task of that id with other content; the same id means the same work",
        ),
        DispatchError::Submit(SubmitError::UnknownDependencies(_)) => {
            ApiError::internal("work for agents depends on nothing")
        }
        DispatchError::Submit(SubmitError::Overloaded) => {
            ApiError::unavailable("too many submissions wait to be stored")
        }
        DispatchError::Submit(SubmitError::Stopping) => ApiError::unavailable("the service is about to stop"),
        DispatchError::Submit(SubmitError::Store(error)) => error.into(),
    }
}

/// Work for an agent.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct DispatchRequest {
    /// The task's id, which you choose; the same id means the same work.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Which work.
    #[schema(min_length = 1, max_length = 255, pattern = r"\S", example = "echo")]
    work_type: String,
    /// What the agent needs to know for it; passed on as it is.
    #[schema(value_type = Option<Object>)]
    parameters: Option<JsonObject>,
    /// From 1 to 5; 5 is most urgent, and 3 is meant when absent. 1 and 2 are the same.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 5)]
    priority: Option<Priority>,
    /// The project; created on first use. `default` when absent.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9._:-]+$")]
    project_id: Option<ProjectId>,
    /// Time of one attempt, in seconds; the service's setting when absent.
    #[schema(minimum = 1, maximum = 86_400)]
    timeout_seconds: Option<u32>,
    /// Attempts before the task fails. When absent, an agent's own failure is final, and up to three attempts are made
    /// where an agent vanished or the time ran out.
    #[schema(minimum = 1, maximum = 20)]
    max_attempts: Option<u32>,
}

impl ReadBody for DispatchRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Every field is read before the required ones decide, so that all that is wrong gets named.
        let task_id = fields.required("task_id", |node| node.uuid());
        let work_type = fields.required("work_type", |node| node.text(1..=MOST_WORK_TYPE_CHARS));
        let parameters = fields.optional("parameters", |node| node.open_object(|_| ()));
        let priority = fields.optional("priority", |node| node.integer(1..=5));
        let project_id = fields.optional("project_id", |node| node.parsed());
        let timeout_seconds =
            fields.optional("timeout_seconds", |node| node.integer(1..=MOST_TIMEOUT_SECONDS));
        let max_attempts = fields.optional("max_attempts", |node| node.integer(1..=MOST_ATTEMPTS));
        Some(Self {
            task_id: task_id?,
            work_type: work_type?,
            parameters,
            priority: priority.and_then(as_priority),
            project_id,
            timeout_seconds,
            max_attempts,
        })
    }
}

fn as_priority(number: u32) -> Option<Priority> {
    Priority::from_agent_priority(u8::try_from(number).ok()?)
}

impl DispatchRequest {
    fn into_new_dispatch(self, trace_id: TraceId) -> NewDispatch {
        NewDispatch {
            task_id: self.task_id,
            work_type: self.work_type,
            parameters: self.parameters.unwrap_or_default(),
            priority: self.priority.unwrap_or(Priority::Normal),
            project_id: self.project_id.unwrap_or_default(),
            timeout_seconds: self.timeout_seconds,
            max_attempts: self.max_attempts,
            trace_id,
        }
    }
}

/// Work that was taken in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "trace_id": "c3a5f8de-1b02-4c6f-8d19-70e4a2b95f31",
    "request_id": "5e0d7b84-92c3-4f1e-a6b7-3d81c94f2a60",
    "task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a12",
    "status": "pending"
}))]
pub(crate) struct DispatchResponse {
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// The hand-over to an agent, of the first attempt.
    #[schema(value_type = Uuid)]
    request_id: RequestId,
    /// Its task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Always `pending`; see `/status/{task_id}` for what became of it.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
}

impl From<Dispatched> for DispatchResponse {
    fn from(dispatched: Dispatched) -> Self {
        Self {
            trace_id: dispatched.trace_id,
            request_id: dispatched.request_id,
            task_id: dispatched.task_id,
            status: TaskStatus::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
