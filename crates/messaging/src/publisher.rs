//! The confirming publisher. One actor owns a connection and its channel; many messages are in flight at once;
//! `Ok` means that the broker has the message safely. A lost connection is not an error: what was not confirmed
//! is published again, in order and with the same `message_id`, and callers just wait.

mod actor;
mod entry;
mod meters;
mod suspicion;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::topology::Topology;
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Reconnect};
use crate::health::{BrokerHealth, HealthCell};
use crate::message::Outgoing;
use actor::Actor;
use entry::{Entry, Reply};
use meters::Meters;

/// amqprs queues up to 8192 frames before a publish waits; a window below half of it never fills that queue.
const LARGEST_WINDOW: usize = 4096;
/// Messages that wait for the actor; beyond them callers wait.
const INPUT_CAPACITY: usize = 256;

/// Section of a service's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublisherSettings {
    /// Most messages in flight.
    pub window: usize,
    /// Most bytes in flight.
    pub window_bytes: usize,
    /// Without any confirm for so many milliseconds the broker is taken for stalled and gets nothing more.
    pub stalled_after_ms: u64,
    /// Without any confirm for so many milliseconds the session is given up and another one opened.
    pub confirm_timeout_ms: u64,
    /// After being told to stop, how long to wait for the confirms still missing, in milliseconds.
    pub drain_timeout_ms: u64,
}

impl Default for PublisherSettings {
    fn default() -> Self {
        Self {
            window: 1024,
            window_bytes: 32 * 1024 * 1024,
            stalled_after_ms: 3_000,
            confirm_timeout_ms: 60_000,
            drain_timeout_ms: 10_000,
        }
    }
}

impl PublisherSettings {
    const fn stalled_after(&self) -> Duration {
        Duration::from_millis(self.stalled_after_ms)
    }

    const fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.confirm_timeout_ms)
    }

    const fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}

/// Why a message was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The broker could not take it now, for example because its queue has lost its majority. Trying again helps.
    #[error("the broker did not take the message")]
    Nacked,
    /// No queue is bound for it.
    #[error("no queue takes the message")]
    Unroutable,
    /// The broker closes the channel over it: its exchange does not exist, or it is larger than the broker allows.
    #[error("the broker refuses the message")]
    Refused,
    /// The publisher has stopped; whether the broker has the message is unknown.
    #[error("the publisher has stopped")]
    Stopped,
    /// AMQP carries the named property in at most 255 bytes.
    #[error("{0} is longer than 255 bytes")]
    TooLong(&'static str),
}

/// What became of a message submitted with a token.
pub(crate) type Settled = (u128, Result<(), PublishError>);

/// Messages that the publisher has been given together.
#[must_use = "the broker has a message only when it confirms it"]
pub struct Submitted {
    outcomes: Vec<Result<(), PublishError>>,
    settled: mpsc::UnboundedReceiver<Settled>,
}

impl Submitted {
    /// Waits for the broker's confirms, and tells what became of each message.
    pub async fn outcomes(mut self) -> Vec<Result<(), PublishError>> {
        while let Some((token, outcome)) = self.settled.recv().await {
            let slot = usize::try_from(token).ok().and_then(|index| self.outcomes.get_mut(index));
            if let Some(slot) = slot {
                *slot = outcome;
            }
        }
        self.outcomes
    }
}

/// Handle to the publisher's actor.
#[derive(Clone)]
pub struct Publisher {
    input: mpsc::Sender<Entry>,
    health: Arc<HealthCell>,
    unconfirmed: Arc<AtomicUsize>,
}

impl Publisher {
    /// Starts the actor. It declares `topology` on every new connection, and ends after `stop` when all that was
    /// handed to it is confirmed or the drain timeout has passed, or when every handle is gone.
    #[must_use]
    pub fn start(
        broker: &Broker,
        topology: Topology,
        settings: &PublisherSettings,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (input, receiver) = mpsc::channel(INPUT_CAPACITY);
        let health = Arc::new(HealthCell::default());
        let reconnect = Reconnect::new(broker, "publisher".to_owned(), topology, true);
        let settings =
            PublisherSettings { window: settings.window.clamp(1, LARGEST_WINDOW), ..settings.clone() };
        let unconfirmed = Arc::new(AtomicUsize::new(0));
        let meters = Meters::new(Arc::clone(&unconfirmed));
        let actor = Actor::new(reconnect, settings, receiver, Arc::clone(&health), meters, stop);
        (Self { input, health, unconfirmed }, tokio::spawn(actor.run()))
    }

    /// Publishes a message and waits for the broker's confirm, across reconnects. May be dropped at any time: the
    /// message is then published or not, as it happens.
    ///
    /// # Errors
    /// See [`PublishError`]; never for a lost connection.
    pub async fn publish(&self, message: impl Into<Outgoing>) -> Result<(), PublishError> {
        let (reply, settled) = oneshot::channel();
        self.hand_over(message.into(), Reply::One(reply)).await?;
        settled.await.unwrap_or(Err(PublishError::Stopped))
    }

    /// Publishes messages in this order, pipelined, and tells what became of each.
    pub async fn publish_all<M>(&self, messages: Vec<M>) -> Vec<Result<(), PublishError>>
    where
        M: Into<Outgoing>,
    {
        self.submit_all(messages).await.outcomes().await
    }

    /// Hands messages over in this order, which they are published in before any that are handed over later. Their
    /// confirms are waited for elsewhere, so that more can be handed over meanwhile.
    pub async fn submit_all<M>(&self, messages: Vec<M>) -> Submitted
    where
        M: Into<Outgoing>,
    {
        let outcomes = vec![Err(PublishError::Stopped); messages.len()];
        let (results, settled) = mpsc::unbounded_channel();
        for (index, message) in messages.into_iter().enumerate() {
            if let Err(error) = self.submit(message.into(), index as u128, &results).await {
                let _ = results.send((index as u128, Err(error)));
            }
        }
        Submitted { outcomes, settled }
    }

    /// Hands a message over without waiting for its confirm; what becomes of it goes to `results` with `token`.
    /// If the actor ends first, nothing comes, and the last sender is dropped.
    pub(crate) async fn submit(
        &self,
        message: Outgoing,
        token: u128,
        results: &mpsc::UnboundedSender<Settled>,
    ) -> Result<(), PublishError> {
        self.hand_over(message, Reply::Many { token, results: results.clone() }).await
    }

    async fn hand_over(&self, message: Outgoing, reply: Reply) -> Result<(), PublishError> {
        message.check()?;
        self.input.send(Entry { message, reply }).await.map_err(|_| PublishError::Stopped)
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> BrokerHealth {
        self.health.get()
    }

    /// How many messages the broker has been given and has not confirmed; never more than the window.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.unconfirmed.load(Ordering::Relaxed)
    }
}
