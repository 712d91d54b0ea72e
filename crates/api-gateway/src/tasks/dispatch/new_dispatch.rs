//! Work for agents as it comes in: every field checked on its own, nothing decided yet.

use chrono::{DateTime, Utc};
use protocol::events::{JsonObject, TaskOptions};
use protocol::vocabulary::{ExecutionMode, Priority};
use protocol::{ProjectId, RequestId, TaskId, TraceId};

use crate::tasks::task::Submission;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDispatch {
    /// The task's id, chosen by the submitter.
    pub task_id: TaskId,
    /// Which work.
    pub work_type: String,
    /// What the agent needs to know for it.
    pub parameters: JsonObject,
    /// How urgent.
    pub priority: Priority,
    /// Its project; made with its first task.
    pub project_id: ProjectId,
    /// Time of one attempt, in seconds; the setting decides when absent.
    pub timeout_seconds: Option<u32>,
    /// Attempts; only above 1 is an agent's own verdict that the work failed not the end of it.
    pub max_attempts: Option<u32>,
    /// The trace it belongs to, unless the task is there already.
    pub trace_id: TraceId,
}

impl NewDispatch {
    /// The submission that is stored if the task is not there already.
    pub(crate) fn into_submission(self, now: DateTime<Utc>) -> Submission {
        Submission {
            id: self.task_id,
            project_id: self.project_id,
            description: format!("{} by an agent", self.work_type),
            priority: self.priority,
            execution_mode: ExecutionMode::Autonomous,
            options: TaskOptions {
                timeout_seconds: self.timeout_seconds,
                max_attempts: self.max_attempts,
                ..TaskOptions::default()
            },
            inputs: Vec::new(),
            depends_on: Vec::new(),
            not_before: None,
            metadata: JsonObject::new(),
            constitution: None,
            parent_id: None,
            work_type: Some(self.work_type),
            parameters: Some(self.parameters),
            trace_id: self.trace_id,
            request_id: RequestId::generate(),
            created_at: now,
        }
    }
}
