//! The stand-in agent: takes work requests from a work queue, works a little, answers on the reply queue, and sends
//! heartbeats. It speaks the agents' wire protocol by itself, sharing no code with those who speak it from the other
//! side, and by default has every habit of the agents that are out there.

mod desk;
mod habits;
mod heartbeats;
mod jobs;
pub mod load;
mod outgoing;
mod request;
mod results;
mod topology;
mod work;

pub use habits::{Acknowledges, CancelHabit, Habits, Identity};

use std::sync::Arc;

use protocol::vocabulary::AgentType;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::broker::{BrokerAddress, InvalidAddress, Station, StationSettings, Subscription};
use desk::Desk;

/// How an agent works.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// `amqp://` URL of the broker.
    pub rabbitmq_url: String,
    /// Which kind of agent it says it is. It takes whatever is in its queue all the same.
    pub agent_type: AgentType,
    /// The queue it takes work from.
    pub queue: String,
    /// Jobs at once.
    pub concurrency: u16,
    /// What it does in its own way.
    pub habits: Habits,
}

impl AgentSettings {
    /// An infra agent at the shared queue, with the habits of real agents.
    #[must_use]
    pub fn new(rabbitmq_url: impl Into<String>) -> Self {
        Self {
            rabbitmq_url: rabbitmq_url.into(),
            agent_type: AgentType::Infra,
            queue: "work_queue".to_owned(),
            concurrency: 1,
            habits: Habits::default(),
        }
    }
}

/// A running agent. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Agent {
    stop: DropGuard,
    died: CancellationToken,
    running: JoinHandle<()>,
}

impl Agent {
    /// Starts to work in the background.
    ///
    /// # Errors
    /// When the broker's URL cannot be read.
    pub fn start(settings: AgentSettings) -> Result<Self, InvalidAddress> {
        let (stop, died) = (CancellationToken::new(), CancellationToken::new());
        let announcements = Subscription::Own { exchange: topology::BROADCAST_EXCHANGE, routing_key: "" };
        let listens = settings.habits.cancel == CancelHabit::Obeys;
        let station = StationSettings {
            address: BrokerAddress::parse(&settings.rabbitmq_url)?,
            name: format!("stand-in {} agent", settings.agent_type),
            topology: topology::declared_by_agents(&settings.queue),
            subscriptions: [Subscription::Queue(settings.queue.clone())]
                .into_iter()
                .chain(listens.then_some(announcements))
                .collect(),
            prefetch: settings.concurrency.max(1),
        };
        let station = Station::start(station, Arc::new(Desk::new(settings, died.clone())));
        let (told, end) = (stop.clone(), died.clone());
        let running = tokio::spawn(async move {
            tokio::select! {
                () = told.cancelled() => {}
                () = end.cancelled() => {}
            }
            station.stop().await;
        });
        Ok(Self { stop: stop.drop_guard(), died, running })
    }

    /// Returns when the agent has died in the middle of its work, if that is one of its habits.
    pub async fn died(&self) {
        self.died.cancelled().await;
    }

    /// Takes no more work and closes the connection.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the agent did not end well");
        }
    }
}
