//! `GET /status/{task_id}`: a task in the words of clients that dispatch work; it answers for every task.

use actix_web::web::{Data, Json};
use protocol::vocabulary::TaskStatus;
use protocol::{RequestId, TaskId, Timestamp, TraceId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::progress::sentence;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadInput};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::http::tasks::no_such_task;
use crate::tasks::task::Task;

/// Shows how far work is
#[utoipa::path(
    get,
    path = "/api/v1/status/{task_id}",
    tag = "dispatch",
    params(("task_id" = Uuid, Path, description = "The task")),
    responses(
        (status = 200, description = "How far it is, and its result", body = WorkStatusResponse),
        NoSuchTaskOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_work_status(
    state: Data<AppState>,
    task_id: PathId<TaskId>,
    _: Query<NoParameters>,
) -> Result<Json<WorkStatusResponse>, ApiError> {
    let task_id = task_id.0;
    let task = state.reader.find(task_id).await?;
    let task = task.ok_or_else(|| no_such_task(task_id))?;
    Ok(Json(task.into()))
}

/// How far work is, and its result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a12",
    "status": "completed",
    "progress": "Completed",
    "output": "PLAY RECAP\nweb-1 : ok=12 changed=3 unreachable=0 failed=0",
    "error_message": null,
    "analysis_result": null,
    "exit_code": 0,
    "duration_ms": 48210,
    "trace_id": "c3a5f8de-1b02-4c6f-8d19-70e4a2b95f31",
    "request_id": "5e0d7b84-92c3-4f1e-a6b7-3d81c94f2a60",
    "agent_id": "2d4b7c9e-0a13-4e58-9f26-b1c8d5e7f042",
    "work_type": "run_playbook",
    "created_at": "2024-07-27T10:02:11.402918Z",
    "updated_at": "2024-07-27T10:03:00.117450Z"
}))]
pub(crate) struct WorkStatusResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its status.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// How far it is, in a sentence for people.
    #[schema(example = "Step 2: Install packages (40%)")]
    progress: String,
    /// What the agent printed; a very long output is cut and says so at its end.
    output: Option<String>,
    /// Why it failed.
    error_message: Option<String>,
    /// What the agent found out about its work, in a form of its own.
    #[schema(value_type = Option<Object>)]
    analysis_result: Option<Value>,
    /// The agent's exit code; 0 for success, by convention.
    exit_code: Option<i64>,
    /// How long the work took, as the agent measured it.
    duration_ms: Option<u64>,
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// The hand-over of the current attempt.
    #[schema(value_type = Uuid)]
    request_id: RequestId,
    /// Who works on it, or worked on it last, as the agent or worker names itself.
    agent_id: Option<String>,
    /// Which work; null for a task that is not for agents.
    work_type: Option<String>,
    /// When it was handed in.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
}

impl From<Task> for WorkStatusResponse {
    fn from(task: Task) -> Self {
        Self {
            progress: sentence(&task),
            task_id: task.submission.id,
            status: task.status,
            output: task.work.output,
            error_message: task.error.map(|error| error.message),
            analysis_result: task.work.analysis,
            exit_code: task.work.exit_code,
            duration_ms: task.work.execution_time_ms,
            trace_id: task.submission.trace_id,
            request_id: task.request_id,
            agent_id: task.work.worker_id,
            work_type: task.submission.work_type,
            created_at: task.submission.created_at.into(),
            updated_at: task.updated_at.into(),
        }
    }
}
