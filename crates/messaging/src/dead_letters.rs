//! Looking into dead-letter queues, and taking messages out of them: back to where they were to be handled, or away.
//! Messages are taken without acknowledgement and return to their places when the look is over, so that a look that
//! breaks off changes nothing. One that goes back is acknowledged after the broker has confirmed its copy: a crash
//! between the two doubles it, which the consumers' inboxes bear, and loses nothing. Memory: one batch of messages.
//!
//! Brokers count how often a message was returned, and newer ones drop it after twenty times. So a message that was
//! looked at a few times is replaced by a copy of itself.

mod letter;
mod visit;

pub use letter::DeadLetter;
pub use visit::Visit;

use protocol::topology::Topology;
use thiserror::Error;

use crate::broker::{Broker, BrokerError};
use crate::publisher::Publisher;
use visit::Visitor;

/// Most messages of one queue that a visit looks at.
pub const MOST_SEEN: usize = 10_000;

/// A queue of dead letters, and where those go that are driven again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadQueue {
    /// Its name.
    pub name: String,
    /// Where its messages belong.
    pub home: Home,
}

/// Where a dead letter belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// Into this queue.
    Queue(String),
    /// Where it was published to: nobody was bound for it then.
    Exchange,
    /// Into the queue that it died in, as the broker wrote on it.
    WhereItDied,
}

/// What is to be done with a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Leave,
    /// Put it back to where it belongs.
    Redrive,
    /// Delete it.
    Purge,
    /// Nothing, and look no further.
    Stop,
}

/// Why dead letters could not be looked at.
#[derive(Debug, Error)]
pub enum DeadLetterError {
    /// The broker does not answer, or has ended the session.
    #[error("the dead letters could not be looked at")]
    Broker(#[from] BrokerError),
    /// The visit's task came to an end of its own; what it had done is done.
    #[error("the look at the dead letters broke off")]
    Interrupted,
}

/// The way to dead letters. Cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    broker: Broker,
    publisher: Publisher,
}

impl DeadLetters {
    /// Looks through sessions of its own; copies go through `publisher`.
    #[must_use]
    pub const fn new(broker: Broker, publisher: Publisher) -> Self {
        Self { broker, publisher }
    }

    /// Looks at the messages of a queue, oldest first, and does with each what `judge` says. A queue that does not
    /// exist is empty. May be dropped at any time: what was begun is brought to its end.
    ///
    /// # Errors
    /// See [`DeadLetterError`]; what was done before it stays done.
    pub async fn visit(
        &self,
        queue: DeadQueue,
        judge: impl FnMut(&DeadLetter) -> Verdict + Send + 'static,
    ) -> Result<Visit, DeadLetterError> {
        let states = self.broker.look_at(vec![queue.name.clone()]).await?;
        let Some(state) = states.into_iter().next().flatten().filter(|state| state.messages > 0) else {
            return Ok(Visit::default());
        };
        let messages = usize::try_from(state.messages).unwrap_or(usize::MAX);
        let (broker, publisher) = (self.broker.clone(), self.publisher.clone());
        let look = async move {
            let session = broker.open("look at dead letters", &Topology::default(), false).await?;
            let visitor = Visitor::new(session.channel.clone(), publisher, queue, messages.min(MOST_SEEN));
            let visited = visitor.run(judge).await;
            session.close().await;
            let mut visit = visited?;
            visit.truncated |= messages > MOST_SEEN;
            Ok(visit)
        };
        tokio::spawn(look).await.unwrap_or(Err(DeadLetterError::Interrupted))
    }
}
