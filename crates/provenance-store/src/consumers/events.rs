//! Events in: a batch, a transaction. An event that cannot be kept is set aside alone.

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{BatchHandler, HandlerError, OutboxRelay, Outcome, Received};
use metrics::counter;
use protocol::EventKind;
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use tracing::error;

use crate::measurements;
use crate::records::{Heard, apply_batch, translation};

/// The events that this service takes.
pub const CONSUMED: [EventKind; 6] = [
    EventKind::TaskStatusChanged,
    EventKind::TaskOutputCreated,
    EventKind::TaskCompleted,
    EventKind::TaskValidated,
    EventKind::TaskRejected,
    EventKind::ReviewCompleted,
];

/// Applies events.
pub struct EventConsumer {
    pool: Pool,
    relay: OutboxRelay,
    clock: Arc<dyn Clock>,
}

impl EventConsumer {
    /// A consumer that writes through `pool` and lets `relay` publish what follows.
    #[must_use]
    pub fn new(pool: Pool, relay: OutboxRelay, clock: Arc<dyn Clock>) -> Self {
        Self { pool, relay, clock }
    }

    async fn apply(&self, heard: Vec<Heard>) -> Result<(), HandlerError> {
        let kept = heard.len() as u64;
        let mut connection = self.pool.get().await.map_err(|error| unhandled(error.into()))?;
        let follow = apply_batch(&mut connection, heard, self.clock.now()).await;
        drop(connection);
        let follow = follow.map_err(|error| unhandled(error.into()))?;
        counter!(measurements::EVENTS, "outcome" => "kept").increment(kept);
        self.relay.dispatch(follow);
        Ok(())
    }
}

#[async_trait]
impl BatchHandler for EventConsumer {
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut heard = Vec::with_capacity(batch.len());
        for received in batch {
            match translation::translate(&received.event) {
                Ok(told) => {
                    heard.push(Heard { event: received.event, told });
                    outcomes.push(Outcome::Done);
                }
                Err(refused) => {
                    counter!(measurements::EVENTS, "outcome" => "refused").increment(1);
                    outcomes.push(Outcome::Dead { reason: refused.to_string() });
                }
            }
        }
        if !heard.is_empty() {
            self.apply(heard).await?;
        }
        Ok(outcomes)
    }
}

/// A batch that got in another transaction's way is tried again event by event, like one with a bug in it.
fn unhandled(error: StoreError) -> HandlerError {
    match &error {
        StoreError::Unavailable(cause) => HandlerError::Unavailable(cause.to_string()),
        StoreError::Conflict(cause) | StoreError::Internal(cause) => {
            error!(error = %cause, "events could not be applied");
            HandlerError::Failed(error.to_string())
        }
        StoreError::NotFound => HandlerError::Failed(error.to_string()),
    }
}
