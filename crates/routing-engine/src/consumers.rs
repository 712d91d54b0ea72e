//! What this service hears, and in which order it is dealt with: cancellations of a batch first, so that nothing
//! is routed for which nobody waits any more.

mod agent_replies;
mod cancellations;
mod task_events;

pub use agent_replies::AgentReplies;
pub use cancellations::{Cancellations, InProgress};
pub use task_events::TaskEvents;

use protocol::events::EventKind;
use protocol::topology::{self, ROUTING_QUEUE, Topology};
use protocol::vocabulary::Tier;

/// The events that are listened to.
pub const HEARD: [EventKind; 2] = [EventKind::TaskCreated, EventKind::TaskCancelled];

/// Everything that is declared before anything is consumed or published: the own queue, and the queues of those
/// who work on what is published here, so that it is kept until they come.
#[must_use]
pub fn declared<'a>(tiers: impl IntoIterator<Item = &'a Tier>) -> Topology {
    topology::service_queue(ROUTING_QUEUE, &HEARD)
        .and(topology::worker_queues(tiers))
        .and(topology::qa_queue())
}
