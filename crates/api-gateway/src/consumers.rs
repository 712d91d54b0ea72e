//! The edge towards the broker: the gateway's queue, and who handles what comes in on it.

use std::sync::Arc;

use messaging::{Broker, Consumer, ConsumerHandle, EventSettings, Publisher};
use protocol::topology::{self, Topology};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tasks::event_application::{CONSUMED, EventHandler};

/// What the gateway declares: its own queue with its bindings, retries and dead letters.
#[must_use]
pub fn topology() -> Topology {
    topology::service_queue(topology::GATEWAY_QUEUE, &CONSUMED)
}

/// Starts consuming the gateway's queue, strictly in its order.
pub fn start(
    broker: &Broker,
    publisher: Publisher,
    settings: &EventSettings,
    handler: EventHandler,
    stop: CancellationToken,
) -> (ConsumerHandle, JoinHandle<()>) {
    let consumer = settings.consumer(topology::GATEWAY_QUEUE);
    Consumer::start(broker, topology(), publisher, consumer, Arc::new(handler), stop)
}
