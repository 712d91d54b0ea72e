//! What a subscriber wants to be told of, and may be.

use std::sync::Arc;

use protocol::{ProjectId, TaskId, TraceId};

use super::update::TaskUpdate;

/// See the module.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(super) trace: TraceId,
    task: Option<TaskId>,
    projects: Option<Arc<[ProjectId]>>,
}

impl Watch {
    /// Every task of a trace.
    #[must_use]
    pub const fn trace(trace: TraceId) -> Self {
        Self { trace, task: None, projects: None }
    }

    /// One task, which is of this trace.
    #[must_use]
    pub const fn task(trace: TraceId, task: TaskId) -> Self {
        Self { trace, task: Some(task), projects: None }
    }

    /// Only tasks of these projects: for a subscriber that may see no others.
    #[must_use]
    pub fn within(mut self, projects: Vec<ProjectId>) -> Self {
        self.projects = Some(projects.into());
        self
    }

    /// Whether this update of the trace is for the subscriber.
    pub(super) fn covers(&self, update: &TaskUpdate) -> bool {
        self.task.is_none_or(|task| task == update.task_id)
            && self.projects.as_ref().is_none_or(|projects| projects.contains(&update.project_id))
    }

    /// Whether every update of the trace is.
    pub(super) const fn covers_all(&self) -> bool {
        self.task.is_none() && self.projects.is_none()
    }
}
