//! What is left to do once a set of changes is committed.

use messaging::outbox::OutboxEntry;
use protocol::{ProjectId, TaskId};

use super::observation::Observation;
use crate::live::TaskUpdate;
use crate::tasks::task::Task;
use crate::workers::Heard;

/// See the module. None of it is lost if it is not done: outbox rows are swept, reconcilers look for themselves.
pub(crate) struct Committed {
    /// The new and the changed tasks as they are stored now.
    pub(crate) tasks: Vec<Task>,
    /// Events to publish; their outbox rows are committed.
    pub(crate) events: Vec<OutboxEntry>,
    /// Every state that a task went through, for those who watch.
    pub(crate) updates: Vec<TaskUpdate>,
    /// Projects in which a task that waits may now get a slot.
    pub(crate) may_admit: Vec<ProjectId>,
    /// Tasks that ended and that others wait for.
    pub(crate) awaited: Vec<TaskId>,
    /// Split tasks that have to look after their subtasks: one of those ended, or they did.
    pub(crate) families: Vec<TaskId>,
    /// What was heard of workers.
    pub(crate) heard: Vec<Heard>,
    /// Whether webhooks are to be told of something.
    pub(crate) has_deliveries: bool,
    pub(super) observations: Vec<Observation>,
}

impl Committed {
    /// Counts what happened.
    pub(crate) fn observe(&self) {
        for observation in &self.observations {
            observation.record();
        }
    }
}
