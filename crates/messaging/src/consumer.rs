//! The batching consumer. It takes the deliveries that have already arrived, hands them to a handler together, and
//! acknowledges only what the handler has done. A message that cannot be read, or keeps failing, is set aside alone:
//! through delay queues, then to `<queue>.dead` with the reason in its headers.

mod acks;
mod batch;
mod handler;
mod meters;
mod session;
mod settle;
mod turn;
mod worker;

pub use handler::{BatchHandler, HandlerError, Outcome, RawHandler, Received};
pub use turn::Turn;

use std::sync::Arc;
use std::time::Duration;

use protocol::topology::{self, Topology};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Reconnect};
use crate::health::{BrokerHealth, HealthCell};
use crate::publisher::Publisher;
use handler::{Events, Processor, Raw};
use settle::SetAside;
use worker::Worker;

/// What to consume and how much at once.
#[derive(Debug, Clone)]
pub struct ConsumerSettings {
    /// The queue.
    pub queue: String,
    /// Most messages the broker sends ahead of our acknowledgements.
    pub prefetch: u16,
    /// Most messages in one batch.
    pub max_batch: usize,
    /// Batches handled at the same time; 1 keeps the queue's order, more of them only where their handler asks for its
    /// [`Turn`].
    pub batches_in_flight: usize,
    /// Delays between the tries of a failing message; each needs its queue, see [`topology::retry_queue`].
    pub retry_delays: Vec<Duration>,
    /// Where dead letters go, with the queue's name as key.
    pub dead_letter_exchange: String,
    /// After being told to stop, how long handlers may take to finish.
    pub drain_timeout: Duration,
}

impl ConsumerSettings {
    /// The usual for one of our own queues, see [`topology::service_queue`].
    #[must_use]
    pub fn new(queue: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            prefetch: 300,
            max_batch: 200,
            batches_in_flight: 1,
            retry_delays: topology::RETRY_DELAYS.to_vec(),
            dead_letter_exchange: topology::DEAD_LETTER_EXCHANGE.to_owned(),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// Starts consumers.
#[derive(Debug)]
pub struct Consumer;

/// Handle to a running consumer.
#[derive(Clone)]
pub struct ConsumerHandle {
    health: Arc<HealthCell>,
}

impl ConsumerHandle {
    /// How it is doing. Stalled means that its handler waits for something that is away.
    #[must_use]
    pub fn health(&self) -> BrokerHealth {
        self.health.get()
    }
}

impl Consumer {
    /// Consumes events. `topology` is declared on every new connection; `publisher` carries retries and dead letters.
    /// The task ends after `stop`, when the handlers at work have finished or the drain timeout has passed.
    #[must_use]
    pub fn start(
        broker: &Broker,
        topology: Topology,
        publisher: Publisher,
        settings: ConsumerSettings,
        handler: Arc<dyn BatchHandler>,
        stop: CancellationToken,
    ) -> (ConsumerHandle, JoinHandle<()>) {
        run(broker, topology, publisher, settings, Arc::new(Events(handler)), stop)
    }

    /// As [`Consumer::start`], for messages that are not events.
    #[must_use]
    pub fn start_raw(
        broker: &Broker,
        topology: Topology,
        publisher: Publisher,
        settings: ConsumerSettings,
        handler: Arc<dyn RawHandler>,
        stop: CancellationToken,
    ) -> (ConsumerHandle, JoinHandle<()>) {
        run(broker, topology, publisher, settings, Arc::new(Raw(handler)), stop)
    }
}

fn run(
    broker: &Broker,
    topology: Topology,
    publisher: Publisher,
    settings: ConsumerSettings,
    processor: Arc<dyn Processor>,
    stop: CancellationToken,
) -> (ConsumerHandle, JoinHandle<()>) {
    let health = Arc::new(HealthCell::default());
    let reconnect = Reconnect::new(broker, format!("consumer of {}", settings.queue), topology, false);
    let set_aside = Arc::new(SetAside::new(publisher, &settings));
    let worker = Worker::new(reconnect, settings, processor, set_aside, Arc::clone(&health), stop);
    (ConsumerHandle { health }, tokio::spawn(worker.run()))
}
