//! The ways that work can take. The tier lane leads described tasks to workers, by what they need;
//! the agent lane leads work to agents, by its type.

pub mod agent;
mod tier;

pub use tier::{LaneLimits, TierLane};

use protocol::EventData;
use protocol::events::{Failure, TaskCreated, TaskRoutingFailed};

use crate::measurements;

/// Answers a task that no lane takes.
pub(crate) fn refuse(task: &TaskCreated, code: &'static str, message: String) -> EventData {
    measurements::refused(code);
    TaskRoutingFailed {
        task_id: task.task_id,
        attempt: task.attempt,
        error: Failure::new(code, message, false),
    }
    .into()
}
