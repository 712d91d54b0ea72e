//! Events in: a batch, one transaction for what it tells of records, one for each order about marks, in the order of
//! delivery. An event that cannot be kept is set aside alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use messaging::{BatchHandler, HandlerError, OutboxRelay, Outcome, Received};
use metrics::counter;
use protocol::{Event, EventKind};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use tracing::error;

use crate::cascade::{self, Applied, Order, apply_order};
use crate::costs::PriceList;
use crate::measurements;
use crate::policy::Policy;
use crate::records::translation::Refused;
use crate::records::{Heard, apply_batch, translation};

/// The events that this service takes.
pub const CONSUMED: [EventKind; 11] = [
    EventKind::TaskStatusChanged,
    EventKind::TaskOutputCreated,
    EventKind::TaskCompleted,
    EventKind::TaskValidated,
    EventKind::TaskRejected,
    EventKind::ReviewCompleted,
    EventKind::ArtifactTainted,
    EventKind::ArtifactSuspect,
    EventKind::ArtifactCleared,
    EventKind::CheckpointRequested,
    EventKind::RollbackRequested,
];

/// How long an order about a record may wait for the record.
const PATIENCE: Duration = Duration::from_secs(60);

/// Applies events.
pub struct EventConsumer {
    pool: Pool,
    relay: OutboxRelay,
    prices: PriceList,
    clock: Arc<dyn Clock>,
    policy: Policy,
}

/// Events that share a transaction.
enum Portion {
    /// Told of records.
    Told(Vec<Heard>),
    /// An order about marks, and the place of its event in the batch.
    Ordered { place: usize, event: Box<Event>, order: Box<Order> },
}

impl EventConsumer {
    /// A consumer that writes through `pool`, lets `relay` publish what follows, and prices work by `prices`.
    #[must_use]
    pub fn new(
        pool: Pool,
        relay: OutboxRelay,
        clock: Arc<dyn Clock>,
        policy: Policy,
        prices: PriceList,
    ) -> Self {
        Self { pool, relay, prices, clock, policy }
    }

    /// The outcome of an order; of what was told there is only one.
    async fn apply(&self, portion: Portion) -> Result<Option<(usize, Outcome)>, StoreError> {
        let mut connection = self.pool.get().await?;
        let now = self.clock.now();
        match portion {
            Portion::Told(heard) => {
                let kept = heard.len() as u64;
                let follow = apply_batch(&mut connection, heard, self.policy, &self.prices, now).await?;
                counter!(measurements::EVENTS, "outcome" => "kept").increment(kept);
                self.relay.dispatch(follow);
                Ok(None)
            }
            Portion::Ordered { place, event, order } => {
                match apply_order(&mut connection, &event, &order, self.policy, now).await? {
                    Applied::Done(follow) => {
                        counter!(measurements::EVENTS, "outcome" => "kept").increment(1);
                        self.relay.dispatch(follow);
                        Ok(None)
                    }
                    Applied::Unknown => {
                        let reason = "it names a record that is not known".to_owned();
                        Ok(Some((place, Outcome::Retry { reason, within: Some(PATIENCE) })))
                    }
                }
            }
        }
    }
}

#[async_trait]
impl BatchHandler for EventConsumer {
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut portions = Vec::new();
        for (place, received) in batch.into_iter().enumerate() {
            outcomes.push(match sort(&mut portions, place, received.event) {
                Ok(()) => Outcome::Done,
                Err(refused) => {
                    counter!(measurements::EVENTS, "outcome" => "refused").increment(1);
                    Outcome::Dead { reason: refused.to_string() }
                }
            });
        }
        // What the first portions did stays if a later one fails: delivered again, they change nothing.
        for portion in portions {
            let outcome = self.apply(portion).await.map_err(unhandled)?;
            if let Some((place, outcome)) = outcome
                && let Some(slot) = outcomes.get_mut(place)
            {
                *slot = outcome;
            }
        }
        Ok(outcomes)
    }
}

/// Puts the event into the portion that it belongs to; what this service published itself belongs to none.
fn sort(portions: &mut Vec<Portion>, place: usize, event: Event) -> Result<(), Refused> {
    match cascade::order(&event) {
        Some(_) if cascade::is_own(&event) => {}
        Some(order) => {
            portions.push(Portion::Ordered { place, order: Box::new(order?), event: Box::new(event) });
        }
        None => {
            let told = translation::translate(&event)?;
            match portions.last_mut() {
                Some(Portion::Told(heard)) => heard.push(Heard { event, told }),
                _ => portions.push(Portion::Told(vec![Heard { event, told }])),
            }
        }
    }
    Ok(())
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
