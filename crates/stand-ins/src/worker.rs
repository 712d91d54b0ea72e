//! The stand-in worker: takes `task.ready.<tier>`, works for a while, hands in a small real artifact.
//! It acknowledges only after its output is confirmed, so a worker that dies loses no task.

mod artifact;
mod cancellations;
mod script;
mod work;

pub use artifact::Product;
pub(crate) use artifact::checksum;
pub use script::Script;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::events::{EventData, Exchange};
use protocol::topology::{Topology, worker_queue};
use protocol::vocabulary::Tier;
use protocol::{Event, EventKind};
use tokio::sync::Semaphore;

use crate::broker::{
    BrokerAddress, Delivery, Handler, InvalidAddress, Outlet, Station, StationSettings, Subscription, Verdict,
};
use cancellations::Cancellations;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// `amqp://` URL of the broker.
    pub rabbitmq_url: String,
    /// Who it says it is.
    pub worker_id: String,
    /// Whose work it takes.
    pub tiers: Vec<Tier>,
    /// Tasks at once.
    pub concurrency: u16,
    /// How long a task takes.
    pub duration: Duration,
    /// Progress messages on the way.
    pub progress_steps: u32,
    /// Share of attempts that fail, 0 to 1. Which ones depends only on seed, task and attempt.
    pub failure_rate: f64,
    /// Seed of that choice.
    pub seed: u64,
    /// Folder that artifacts are written to; nowhere when absent.
    pub output_dir: Option<PathBuf>,
}

impl WorkerSettings {
    /// A worker for all standard tiers that works 100 ms and never fails by chance.
    #[must_use]
    pub fn new(rabbitmq_url: impl Into<String>) -> Self {
        Self {
            rabbitmq_url: rabbitmq_url.into(),
            worker_id: "stand-in-worker".to_owned(),
            tiers: Tier::STANDARD.to_vec(),
            concurrency: 8,
            duration: Duration::from_millis(100),
            progress_steps: 1,
            failure_rate: 0.0,
            seed: 0,
            output_dir: None,
        }
    }
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    station: Station,
}

impl Worker {
    /// Starts to work in the background.
    ///
    /// # Errors
    /// When the broker's URL cannot be read.
    pub fn start(settings: WorkerSettings) -> Result<Self, InvalidAddress> {
        let queues = settings.tiers.iter().map(|tier| Subscription::Queue(worker_queue(tier)));
        let cancellations = Subscription::Own {
            exchange: Exchange::Task.name(),
            routing_key: EventKind::TaskCancelled.binding_key(),
        };
        let station = StationSettings {
            address: BrokerAddress::parse(&settings.rabbitmq_url)?,
            name: settings.worker_id.clone(),
            topology: Topology::default(),
            subscriptions: queues.chain([cancellations]).collect(),
            prefetch: settings.concurrency,
        };
        let slots = Semaphore::new(settings.concurrency.into());
        let handler = Desk { settings, slots, cancellations: Cancellations::default() };
        Ok(Self { station: Station::start(station, Arc::new(handler)) })
    }

    /// Finishes what is nearly done and leaves the rest to others.
    pub async fn stop(self) {
        self.station.stop().await;
    }
}

/// Where deliveries land.
struct Desk {
    settings: WorkerSettings,
    slots: Semaphore,
    cancellations: Cancellations,
}

#[async_trait::async_trait]
impl Handler for Desk {
    async fn handle(&self, delivery: Delivery, outlet: &Outlet) -> Verdict {
        let event = match Event::decode(delivery.as_incoming(), chrono::Utc::now().into()) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, key = delivery.routing_key, "message not understood");
                return Verdict::Refused;
            }
        };
        match &event.data {
            EventData::TaskCancelled(cancelled) => {
                self.cancellations.note(cancelled.task_id, cancelled.attempt);
                Verdict::Done
            }
            EventData::TaskReady(ready) => {
                let Ok(_slot) = self.slots.acquire().await else { return Verdict::Again };
                let traceparent = delivery.traceparent.clone();
                work::perform(&self.settings, &self.cancellations, &event, ready, traceparent, outlet).await
            }
            _ => Verdict::Refused,
        }
    }
}
