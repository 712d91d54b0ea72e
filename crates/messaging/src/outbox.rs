//! The outbox: events written in the same transaction as the state they follow from. After the commit they go straight
//! from memory to the publisher, and their rows are deleted when the broker has confirmed them. A sweeper publishes
//! what is left behind by a crash, so nothing committed is ever lost.

mod forget;
mod memory;
mod relay;
mod store;
mod sweeper;

pub use relay::OutboxRelay;
pub use store::insert;

use std::time::Duration;

use protocol::trace_context::TraceParent;
use protocol::{Event, WireMessage};
use serde::Deserialize;
use uuid::Uuid;

use crate::trace;

/// A message to be published once its row is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its id, also its `message_id`.
    pub id: Uuid,
    /// The message.
    pub message: WireMessage,
}

impl OutboxEntry {
    /// The message that carries `event`, within the event's trace, as a child of the current span.
    ///
    /// # Errors
    /// Only if a number in the data is not a JSON number (NaN, infinity).
    pub fn from_event(event: &Event) -> serde_json::Result<Self> {
        let traceparent = trace::current_within(event.trace_id).map(TraceParent::to_header);
        Ok(Self { id: event.id.as_uuid(), message: event.to_wire(traceparent)? })
    }
}

/// Section of a service's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxSettings {
    /// Most events kept in memory on their way out; more are left to the sweeper.
    pub memory_events: usize,
    /// Most bytes of events kept in memory.
    pub memory_bytes: usize,
    /// How often the sweeper looks for rows left behind, in milliseconds.
    pub sweep_every_ms: u64,
    /// How old a row must be to count as left behind, in milliseconds; the first sweep after a start takes younger ones.
    pub sweep_after_ms: u64,
    /// How long a swept row is left alone by other sweepers, in milliseconds.
    pub lease_ms: u64,
    /// After being told to stop, how long to go on publishing and deleting, in milliseconds.
    pub drain_timeout_ms: u64,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            memory_events: 20_000,
            memory_bytes: 64 * 1024 * 1024,
            sweep_every_ms: 2_000,
            sweep_after_ms: 5_000,
            lease_ms: 60_000,
            drain_timeout_ms: 10_000,
        }
    }
}

impl OutboxSettings {
    const fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }

    const fn sweep_after(&self) -> Duration {
        Duration::from_millis(self.sweep_after_ms)
    }

    const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    const fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}
