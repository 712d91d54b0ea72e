//! The ways that work can take. The tier lane leads described tasks to workers, by what they need;
//! the agent lane leads work to agents, by its type.

pub mod agent;
mod tier;

pub use tier::{LaneLimits, TierLane};

use protocol::EventData;
use protocol::events::{Failure, TaskCreated, TaskRoutingFailed};
use protocol::vocabulary::Tier;

use crate::measurements;

/// The tier that it would go to was paused when it was released.
const TIER_PAUSED: &str = "TIER_PAUSED";

/// Answers a task that no lane takes.
pub(crate) fn refuse(task: &TaskCreated, code: &'static str, message: String) -> EventData {
    measurements::refused(code);
    TaskRoutingFailed {
        task_id: task.task_id,
        attempt: task.attempt,
        error: Failure::new(code, message, false),
        paused_tier: None,
    }
    .into()
}

/// Answers a task whose tier takes nothing new at the moment. A reader that does not know of pauses tries it again.
pub(crate) fn withhold(task: &TaskCreated, tier: Tier) -> EventData {
    measurements::refused(TIER_PAUSED);
    TaskRoutingFailed {
        task_id: task.task_id,
        attempt: task.attempt,
        error: Failure::new(TIER_PAUSED, format!("tier {tier}, where it would go, is paused"), true),
        paused_tier: Some(tier),
    }
    .into()
}
