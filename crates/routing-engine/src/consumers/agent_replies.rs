//! What agents answer: one consumer for every type of message, since two would take each other's. Its events are
//! confirmed by the broker before the replies are acknowledged; what is not understood goes to the dead letters with
//! the reason, and its neighbours go on.

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{Delivery, HandlerError, Outcome, Publisher, RawHandler, Turn};
use protocol::WireMessage;
use service_runtime::clock::Clock;

use crate::lanes::agent::ReplyReader;
use crate::measurements;

/// The handler of a reply queue.
pub struct AgentReplies {
    reader: ReplyReader,
    events: Publisher,
    clock: Arc<dyn Clock>,
}

impl AgentReplies {
    /// Reads with `reader` and tells the events through `events`.
    #[must_use]
    pub fn new(reader: ReplyReader, events: Publisher, clock: Arc<dyn Clock>) -> Self {
        Self { reader, events, clock }
    }
}

#[async_trait]
impl RawHandler for AgentReplies {
    /// Events are published in the order of the replies; the confirms of one batch do not hold up the next.
    async fn handle(&self, batch: Vec<Arc<Delivery>>, mut turn: Turn) -> Result<Vec<Outcome>, HandlerError> {
        let (outcomes, messages) = self.read(&batch);
        turn.come().await;
        let submitted = self.events.submit_all(messages).await;
        drop(turn);
        // Whatever was not taken comes again with the whole batch, and is told under the same ids.
        for published in submitted.outcomes().await {
            published.map_err(|error| HandlerError::Unavailable(error.to_string()))?;
        }
        Ok(outcomes)
    }
}

impl AgentReplies {
    /// What becomes of each reply once the messages are published.
    fn read(&self, batch: &[Arc<Delivery>]) -> (Vec<Outcome>, Vec<WireMessage>) {
        let now = self.clock.now();
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut messages = Vec::with_capacity(batch.len());
        for delivery in batch {
            let read = self.reader.read(&delivery.body, delivery.message_id.as_deref(), now);
            let written = read.map_err(|unreadable| unreadable.to_string()).and_then(|events| {
                let written = events.iter().map(|event| event.to_wire(None));
                written.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
            });
            outcomes.push(match written {
                Ok(written) => {
                    messages.extend(written);
                    Outcome::Done
                }
                Err(reason) => {
                    measurements::agent_not_understood();
                    Outcome::Dead { reason }
                }
            });
        }
        (outcomes, messages)
    }
}
