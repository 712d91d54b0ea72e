//! `POST /tasks/batch`: takes many tasks in, each accepted or refused on its own. They wait for the writer together,
//! so that a batch costs a few transactions and not one for each task.

use actix_web::web::{Data, Json};
use futures_util::future::join_all;
use protocol::{ErrorCode, TaskId};
use serde::Serialize;
use utoipa::ToSchema;

use super::submit::{self, SubmitTaskRequest};
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{BadBody, CannotServe};
use crate::http::problem::{ApiError, ItemError};
use crate::http::trace::RequestIdentity;
use crate::idempotency::OperationId;
use crate::tasks::submission::Naming;

/// Most tasks of a batch.
const MOST_TASKS: usize = 1000;

/// Submits many tasks
///
/// Each is accepted or refused on its own, as if it had come alone; the body's limit is the same as for one. What is
/// accepted is stored before the answer is sent. Tasks of one batch cannot depend on each other: their ids are not
/// known before. If not one could be stored because something is away, the answer is 503 as for a single task.
#[utoipa::path(
    post,
    path = "/api/v1/tasks/batch",
    tag = "tasks",
    request_body(content = SubmitBatchRequest, examples(
        ("two" = (summary = "Two tasks", value = json!({ "tasks": [
            { "description": "Translate the README into German", "project_id": "docs-site" },
            { "description": "Translate the README into French", "project_id": "docs-site", "priority": "high" }
        ] }))),
    )),
    responses(
        (status = 200, description = "What became of each", body = SubmitBatchResponse),
        BadBody,
        CannotServe,
    )
)]
pub(crate) async fn submit_batch(
    state: Data<AppState>,
    identity: RequestIdentity,
    caller: Caller,
    operation: Option<OperationId>,
    request: RequestBody<SubmitBatchRequest>,
) -> Result<Json<SubmitBatchResponse>, ApiError> {
    let stored = request.0.tasks.into_iter().enumerate().map(async |(index, task)| {
        let naming = Naming::of(operation, index);
        let task = submit::store(&state, &caller, task?, identity.trace_id, naming).await?;
        Ok::<TaskId, ApiError>(task.submission.id)
    });
    let mut stored = join_all(stored).await;
    let is_away =
        |task: &Result<_, ApiError>| task.as_ref().is_err_and(|error| error.code() == ErrorCode::Unavailable);
    if stored.iter().all(is_away)
        && let Some(Err(error)) = stored.pop()
    {
        return Err(error);
    }
    Ok(Json(SubmitBatchResponse::of(stored)))
}

/// Tasks to take in.
#[derive(Debug, ToSchema)]
pub(crate) struct SubmitBatchRequest {
    /// As each would be submitted alone.
    #[schema(value_type = Vec<SubmitTaskRequest>, min_items = 1, max_items = 1000)]
    tasks: Vec<Result<SubmitTaskRequest, ApiError>>,
}

impl ReadBody for SubmitBatchRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let tasks = fields.required("tasks", |node| node.separately(1..=MOST_TASKS));
        Some(Self { tasks: tasks? })
    }
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "results": [
        { "index": 0, "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01", "error": null },
        { "index": 1, "task_id": null, "error": {
            "error_code": 1002,
            "error_message": "priority: must be one of low, normal, high, critical",
            "errors": [{ "field": "priority", "message": "must be one of low, normal, high, critical" }]
        } }
    ],
    "accepted": 1,
    "rejected": 1
}))]
pub(crate) struct SubmitBatchResponse {
    /// One for each task, in their order.
    results: Vec<BatchResult>,
    /// How many were taken in.
    accepted: usize,
    /// How many were not.
    rejected: usize,
}

/// What became of one task of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct BatchResult {
    /// Its place in the batch, from 0.
    index: usize,
    /// Its id; `null` if it was refused.
    #[schema(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// Why it was refused; `null` if it was taken in.
    error: Option<ItemError>,
}

impl SubmitBatchResponse {
    fn of(stored: Vec<Result<TaskId, ApiError>>) -> Self {
        let accepted = stored.iter().filter(|task| task.is_ok()).count();
        let result = |(index, task): (usize, Result<TaskId, ApiError>)| match task {
            Ok(task_id) => BatchResult { index, task_id: Some(task_id), error: None },
            Err(error) => {
                error.log();
                BatchResult { index, task_id: None, error: Some(error.as_item()) }
            }
        };
        Self {
            rejected: stored.len() - accepted,
            accepted,
            results: stored.into_iter().enumerate().map(result).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;
    use serde_json::{Value, json};

    fn read(body: &Value) -> Result<SubmitBatchRequest, (u16, Vec<String>)> {
        read_body(body.to_string().as_bytes(), &ConfiguredWords::default())
            .map_err(|error| (error.code().number(), error.fields()))
    }

    #[test]
    fn a_batch_that_is_none_is_refused_as_a_whole() {
        let task = json!({ "description": "d" });
        for (body, field) in [
            (json!({}), "tasks"),
            (json!({ "tasks": task }), "tasks"),
            (json!({ "tasks": [] }), "tasks"),
            (json!({ "tasks": vec![task.clone(); 1001] }), "tasks"),
            (json!({ "tasks": [task.clone()], "project_id": "web" }), "project_id"),
        ] {
            assert_eq!(read(&body).unwrap_err(), (1002, vec![field.to_owned()]), "{field}");
        }
        assert_eq!(read(&json!({ "tasks": vec![task; 1000] })).unwrap().tasks.len(), 1000);
    }

    #[test]
    fn a_bad_task_spoils_no_other_and_is_told_as_if_it_had_come_alone() {
        let body = json!({ "tasks": [
            { "description": "good" },
            { "description": "", "priority": "soon", "colour": "red" },
            7,
            { "description": "good", "options": { "tier": "tiny" } },
        ] });
        let tasks = read(&body).unwrap().tasks;
        let fields: Vec<Vec<String>> =
            tasks.iter().map(|task| task.as_ref().map_or_else(ApiError::fields, |_| Vec::new())).collect();
        assert_eq!(fields, [vec![], vec!["description", "priority", "colour"], vec!["body"], vec![]]);
    }

    #[test]
    fn the_answer_tells_of_each_in_order() {
        let id = TaskId::generate();
        let refused = read(&json!({ "tasks": [{}] })).unwrap().tasks.remove(0).unwrap_err();
        let answer = SubmitBatchResponse::of(vec![Err(refused), Ok(id)]);
        let expected = json!({
            "results": [
                { "index": 0, "task_id": null, "error": {
                    "error_code": 1002, "error_message": "description: is required",
                    "errors": [{ "field": "description", "message": "is required" }] } },
                { "index": 1, "task_id": id, "error": null },
            ],
            "accepted": 1, "rejected": 1,
        });
        assert_eq!(serde_json::to_value(answer).unwrap(), expected);
    }
}
