//! What a service writes: a handler of batches. And what the consumer sees of it: a processor of deliveries that
//! has an outcome for each, or an error for all of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use protocol::Event;
use thiserror::Error;

use super::turn::Turn;
use crate::delivery::Delivery;

/// An event with what is known of its way here.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The event.
    pub event: Event,
    /// How often it was tried and put back for later.
    pub failures: u32,
    /// When it was put back first.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// Trace context of whoever published it.
    pub traceparent: Option<String>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done with, and durable: it will be acknowledged.
    Done,
    /// It cannot be handled yet. It comes back after a delay that grows with each try.
    Retry {
        /// Why; written into its headers.
        reason: String,
        /// Give up when this long has passed since it failed first; without, when the delays are used up.
        within: Option<Duration>,
    },
    /// It can never be handled: to the dead letters.
    Dead {
        /// Why; written into its headers.
        reason: String,
    },
}

/// Why a batch as a whole was not handled. Nothing of it may have had an effect.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandlerError {
    /// Something the handler needs is away. The same batch is tried again until it is back.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The batch failed. Its messages are tried one by one; those that fail alone are retried later.
    #[error("failed: {0}")]
    Failed(String),
}

/// Handles batches of events.
#[async_trait]
pub trait BatchHandler: Send + Sync + 'static {
    /// Handles the batch and tells what became of each event, in the same order and number. May see an event again
    /// at any time: whoever must not apply it twice uses [`crate::inbox`]. A panic counts as a failure.
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError>;
}

/// Handles batches of messages that are not events.
#[async_trait]
pub trait RawHandler: Send + Sync + 'static {
    /// As [`BatchHandler::handle`]. A handler of several batches at a time that keeps to their order in part of what it
    /// does waits for its turn there; others let it drop.
    async fn handle(&self, batch: Vec<Arc<Delivery>>, turn: Turn) -> Result<Vec<Outcome>, HandlerError>;
}

/// Turns deliveries into outcomes, one for each.
#[async_trait]
pub(super) trait Processor: Send + Sync + 'static {
    async fn process(&self, batch: &[Arc<Delivery>], turn: Turn) -> Result<Vec<Outcome>, HandlerError>;
}

/// Reads deliveries as events. What cannot be read is dead at once and never reaches the handler.
pub(super) struct Events(pub(super) Arc<dyn BatchHandler>);

#[async_trait]
impl Processor for Events {
    async fn process(&self, batch: &[Arc<Delivery>], _: Turn) -> Result<Vec<Outcome>, HandlerError> {
        let received_at = Utc::now().into();
        let mut readable = Vec::with_capacity(batch.len());
        let mut outcomes = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Event::decode(delivery.incoming(), received_at) {
                Ok(event) => {
                    readable.push(Received {
                        event,
                        failures: delivery.failures,
                        first_failed_at: delivery.first_failed_at,
                        traceparent: delivery.traceparent.clone(),
                    });
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Outcome::Dead { reason: error.to_string() })),
            }
        }
        let expected = readable.len();
        let handled = if readable.is_empty() { Vec::new() } else { self.0.handle(readable).await? };
        let mut handled = checked(expected, handled)?.into_iter();
        // The counts match, so the default is never taken.
        let outcome = |known: Option<Outcome>| known.or_else(|| handled.next()).unwrap_or(Outcome::Done);
        Ok(outcomes.into_iter().map(outcome).collect())
    }
}

/// Hands deliveries on as they are.
pub(super) struct Raw(pub(super) Arc<dyn RawHandler>);

#[async_trait]
impl Processor for Raw {
    async fn process(&self, batch: &[Arc<Delivery>], turn: Turn) -> Result<Vec<Outcome>, HandlerError> {
        checked(batch.len(), self.0.handle(batch.to_vec(), turn).await?)
    }
}

/// A handler that loses count cannot be believed about any of its messages.
fn checked(expected: usize, outcomes: Vec<Outcome>) -> Result<Vec<Outcome>, HandlerError> {
    if outcomes.len() == expected {
        return Ok(outcomes);
    }
    Err(HandlerError::Failed(format!("{} outcomes for {expected} messages", outcomes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AllDone;

    #[async_trait]
    impl BatchHandler for AllDone {
        async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
            Ok(vec![Outcome::Done; batch.len()])
        }
    }

    struct Forgetful;

    #[async_trait]
    impl RawHandler for Forgetful {
        async fn handle(&self, _: Vec<Arc<Delivery>>, _: Turn) -> Result<Vec<Outcome>, HandlerError> {
            Ok(Vec::new())
        }
    }

    fn delivery(routing_key: &str, body: &str) -> Arc<Delivery> {
        Arc::new(Delivery {
            routing_key: routing_key.to_owned(),
            body: body.as_bytes().to_vec(),
            ..Delivery::default()
        })
    }

    #[tokio::test]
    async fn an_unreadable_message_is_dead_and_its_neighbours_are_not() {
        let started = r#"{"task_id":"0197a000-0000-7000-8000-000000000001"}"#;
        let batch = [
            delivery("task.started", started),
            delivery("task.started", "{"),
            delivery("task.started", started),
        ];
        let outcomes = Events(Arc::new(AllDone)).process(&batch, Turn::default()).await.unwrap();
        assert!(matches!(
            outcomes.as_slice(),
            [Outcome::Done, Outcome::Dead { reason }, Outcome::Done] if reason.contains("JSON")
        ));
    }

    #[tokio::test]
    async fn a_handler_that_loses_count_fails_its_batch() {
        let error =
            Raw(Arc::new(Forgetful)).process(&[delivery("k", "{}")], Turn::default()).await.unwrap_err();
        assert_eq!(error, HandlerError::Failed("0 outcomes for 1 messages".to_owned()));
    }
}
