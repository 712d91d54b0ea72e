//! What is said over a WebSocket.

use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{TaskId, Timestamp, TraceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::vocabulary::{PhaseWord, TaskStatusWord};
use crate::http::tasks::view::{ErrorView, ProgressView};
use crate::live::TaskUpdate;

/// A message to a subscriber of a trace: first the snapshot, then every change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum SocketMessage {
    /// Every task of the trace.
    Snapshot(Snapshot),
    /// A change of one of them, or a new one.
    TaskUpdate(TaskState),
}

/// The tasks of a trace, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snapshot {
    /// The trace.
    #[schema(value_type = Uuid)]
    pub(super) trace_id: TraceId,
    /// Its tasks.
    pub(super) tasks: Vec<TaskState>,
    /// Present and true when the trace has so many tasks that only the newest are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(super) truncated: bool,
}

/// Where a task is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskState {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// Grows with every change of the task; never comes twice.
    sequence: u64,
    /// Its status.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Where inside the status.
    #[schema(value_type = PhaseWord)]
    phase: Phase,
    /// How far it is.
    progress: ProgressView,
    /// Why it failed.
    error: Option<ErrorView>,
    /// When it came to be so.
    #[schema(value_type = DateTime)]
    at: Timestamp,
}

impl From<&TaskUpdate> for TaskState {
    fn from(update: &TaskUpdate) -> Self {
        Self {
            task_id: update.task_id,
            trace_id: update.trace_id,
            sequence: update.sequence,
            status: update.status,
            phase: update.phase,
            progress: update.progress.clone().into(),
            error: update.error.clone().map(Into::into),
            at: update.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::live::tests::update;

    #[test]
    fn messages_have_the_members_of_the_contract() {
        let update = update(7, Some(6));
        let state = TaskState::from(&update);
        let trace_id = update.trace_id;
        let snapshot = Snapshot { trace_id, tasks: vec![TaskState::from(&update)], truncated: false };
        let progress = json!({
            "percent": 25.0, "message": "half of a half", "total_subtasks": 0, "completed_subtasks": 0,
            "failed_subtasks": 0, "pending_review": 0,
        });
        let mut expected = json!({
            "task_id": update.task_id, "trace_id": trace_id, "sequence": 7, "status": "running",
            "phase": "executing", "progress": progress, "error": null, "at": update.at,
        });
        let shown = serde_json::to_value(SocketMessage::Snapshot(snapshot)).unwrap();
        assert_eq!(shown, json!({ "type": "snapshot", "trace_id": trace_id, "tasks": [expected] }));
        expected["type"] = json!("task_update");
        assert_eq!(serde_json::to_value(SocketMessage::TaskUpdate(state)).unwrap(), expected);
    }
}
