//! `POST /tasks`: takes a task in. The answer is sent only after the task is durable.

mod request;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use protocol::vocabulary::{ExecutionMode, TaskStatus};
use protocol::{ErrorCode, ProjectId, TaskId, Timestamp, TraceId};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::request::SubmitTaskRequest;
use super::view::Links;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::RequestBody;
use crate::http::guard::AuditSlip;
use crate::http::openapi::answers::{BadSubmission, CannotServe};
use crate::http::openapi::vocabulary::{ExecutionModeWord, TaskStatusWord};
use crate::http::problem::{ApiError, FieldError};
use crate::http::projects::no_such_project;
use crate::http::trace::RequestIdentity;
use crate::idempotency::OperationId;
use crate::tasks::submission::{Naming, SubmitError};
use crate::tasks::task::Task;

/// Submits a task
///
/// The task is stored before the answer is sent. A project that does not exist yet is created.
#[utoipa::path(
    post,
    path = "/api/v1/tasks",
    tag = "tasks",
    request_body(content = SubmitTaskRequest, examples(
        ("minimal" = (summary = "Only what is needed", value = json!({
            "description": "Write a function that parses ISO 8601 durations"
        }))),
        ("pinned" = (summary = "Routing pinned, inputs given", value = json!({
            "description": "Translate the README into German",
            "project_id": "docs-site",
            "priority": "high",
            "options": { "tier": "small", "domain": "documentation", "qa_profile": "documentation" },
            "inputs": [{ "artifact_id": "readme-7f3a", "relationship": "consumed" }],
            "metadata": { "tags": ["docs", "german"], "requester": "anna" }
        }))),
        ("bounded" = (summary = "At most two attempts of five minutes each, not before a time", value = json!({
            "description": "Find out why the nightly build is slow",
            "mode": "collaborative",
            "options": { "timeout_seconds": 300, "max_attempts": 2, "escalate_tier": false },
            "not_before": "2030-01-01T00:00:00Z"
        }))),
    )),
    responses(
        (status = 201, description = "The task is stored", body = SubmitTaskResponse,
            headers(("Location" = String, description = "Where the task is"))),
        BadSubmission,
        CannotServe,
    )
)]
pub(crate) async fn submit_task(
    state: Data<AppState>,
    identity: RequestIdentity,
    caller: Caller,
    operation: Option<OperationId>,
    slip: AuditSlip,
    request: RequestBody<SubmitTaskRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut naming = Naming::of(operation, 0);
    naming.audit = slip.take_over(StatusCode::CREATED, Some(Links::of(naming.id).to_self));
    let task = store(&state, &caller, request.0, identity.trace_id, naming).await?;
    let answer = SubmitTaskResponse::of(&task, state.tasks.estimate_completion(&task));
    Ok(HttpResponse::Created().insert_header((header::LOCATION, answer.links.to_self.clone())).json(answer))
}

/// Stores one task, on its own or as one of many.
pub(super) async fn store(
    state: &AppState,
    caller: &Caller,
    request: SubmitTaskRequest,
    trace_id: TraceId,
    naming: Naming,
) -> Result<Task, ApiError> {
    let (dependencies, open) = (request.dependencies(), request.left_open());
    let new_task = request.into_new_task(trace_id);
    if !caller.sees(&new_task.project_id) {
        return Err(no_such_project(&new_task.project_id));
    }
    let stored = state.submitter.submit_open(new_task, open, naming).await;
    stored.map_err(|error| refusal(error, &dependencies))
}

/// `dependencies` as the client listed them, so that each unknown one is named where it stands.
fn refusal(error: SubmitError, dependencies: &[TaskId]) -> ApiError {
    match error {
        SubmitError::UnknownDependencies(unknown) => {
            let named = dependencies.iter().enumerate().filter(|(_, id)| unknown.contains(id));
            ApiError::invalid(
                named
                    .map(|(index, id)| FieldError {
                        field: format!("depends_on[{index}]"),
                        message: format!("there is no task {id} in this project"),
                    })
                    .collect(),
            )
        }
        SubmitError::TaskExists => ApiError::new(ErrorCode::TaskAlreadyExists, "there is a task of that id"),
        SubmitError::Overloaded => ApiError::unavailable("too many submissions wait to be stored"),
        SubmitError::Stopping => ApiError::unavailable("the service is about to stop"),
        SubmitError::Store(error) => error.into(),
    }
}

/// A task that was taken in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
    "project_id": "docs-site",
    "status": "pending",
    "mode": "autonomous",
    "created_at": "2024-07-27T09:59:24.928412Z",
    "estimated_completion": "2024-07-27T10:00:05.000000Z",
    "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913",
    "links": {
        "self": "/api/v1/tasks/0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
        "status": "/api/v1/tasks/0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01/status",
        "stream": "/api/v1/tasks/0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01/stream"
    }
}))]
pub(crate) struct SubmitTaskResponse {
    /// Its id.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Where it is: at first always `pending`.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Whether people take part.
    #[schema(value_type = ExecutionModeWord)]
    mode: ExecutionMode,
    /// When it was taken in.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When it will probably be done, where that can be told.
    #[schema(value_type = Option<DateTime>)]
    estimated_completion: Option<Timestamp>,
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// Where to look next.
    links: Links,
}

impl SubmitTaskResponse {
    fn of(task: &Task, estimated_completion: Option<Timestamp>) -> Self {
        let submission = &task.submission;
        Self {
            task_id: submission.id,
            project_id: submission.project_id.clone(),
            status: TaskStatus::Pending,
            mode: submission.execution_mode,
            created_at: submission.created_at.into(),
            estimated_completion,
            trace_id: submission.trace_id,
            links: Links::of(submission.id),
        }
    }
}
