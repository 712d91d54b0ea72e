//! A submission as it comes in: every field checked on its own, nothing decided yet.

use chrono::{DateTime, Utc};
use protocol::events::{Input, JsonObject, TaskOptions};
use protocol::vocabulary::{ExecutionMode, Priority};
use protocol::{ProjectId, RequestId, TaskId, Timestamp, TraceId};

use crate::tasks::task::Submission;

/// What a submitter did not say, so that the project may: the values in [`NewTask`] are then only the service's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOpen {
    /// Whether people take part.
    pub mode: bool,
    /// Whether repeated rejections may move it to a higher tier.
    pub escalate_tier: bool,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Its project; made with its first task.
    pub project_id: ProjectId,
    /// What is to be done.
    pub description: String,
    /// How urgent; the setting decides when absent.
    pub priority: Option<Priority>,
    /// Whether people take part.
    pub mode: ExecutionMode,
    /// Wishes about routing, QA and retries.
    pub options: TaskOptions,
    /// Tasks that must be completed first, each once.
    pub depends_on: Vec<TaskId>,
    /// Artifacts to work from.
    pub inputs: Vec<Input>,
    /// Not to be started earlier.
    pub not_before: Option<Timestamp>,
    /// The submitter's own data.
    pub metadata: JsonObject,
    /// Rules for the worker, passed on.
    pub constitution: Option<JsonObject>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
}

impl NewTask {
    /// The submission that is stored.
    pub(super) fn into_submission(
        self,
        id: TaskId,
        default_priority: Priority,
        now: DateTime<Utc>,
    ) -> Submission {
        Submission {
            id,
            project_id: self.project_id,
            description: self.description,
            priority: self.priority.unwrap_or(default_priority),
            execution_mode: self.mode,
            options: self.options,
            inputs: self.inputs,
            depends_on: self.depends_on,
            not_before: self.not_before.map(Timestamp::to_utc),
            metadata: self.metadata,
            constitution: self.constitution,
            parent_id: None,
            work_type: None,
            parameters: None,
            trace_id: self.trace_id,
            request_id: RequestId::generate(),
            created_at: now,
        }
    }
}
