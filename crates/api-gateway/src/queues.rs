//! The broker's queues as operators see them: the ones that this installation's events go through, the workers' and
//! QA's, and where dead letters are kept.

use messaging::{Broker, BrokerError, DeadQueue, Home, QueueState};
use protocol::topology::{
    AGENT_DEAD_LETTER_QUEUE, GATEWAY_QUEUE, PROVENANCE_QUERY_QUEUE, PROVENANCE_QUEUE, QA_QUEUE, REPLY_QUEUE,
    ROUTING_QUEUE, UNROUTED, WORK_QUEUE, dead_letter_queue, worker_queue,
};
use protocol::vocabulary::Tier;

/// A queue and what a look at it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReport {
    /// Its name.
    pub name: String,
    /// What waits in it, and who takes it.
    pub state: QueueState,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Queues {
    broker: Broker,
    live: Vec<String>,
    dead: Vec<DeadQueue>,
}

impl Queues {
    /// The queues of an installation with these tiers.
    #[must_use]
    pub fn new(broker: &Broker, tiers: &[Tier]) -> Self {
        let own = [GATEWAY_QUEUE, ROUTING_QUEUE, PROVENANCE_QUEUE].map(str::to_owned);
        let workers = tiers.iter().map(worker_queue);
        let lettered: Vec<String> = own.into_iter().chain(workers).chain([QA_QUEUE.to_owned()]).collect();
        let dead =
            |queue: &String| DeadQueue { name: dead_letter_queue(queue), home: Home::Queue(queue.clone()) };
        let elsewhere = [(UNROUTED, Home::Exchange), (AGENT_DEAD_LETTER_QUEUE, Home::WhereItDied)];
        let elsewhere = elsewhere.map(|(name, home)| DeadQueue { name: name.to_owned(), home });
        let others = [PROVENANCE_QUERY_QUEUE, WORK_QUEUE, REPLY_QUEUE].map(str::to_owned);
        Self {
            broker: broker.clone(),
            dead: lettered.iter().map(dead).chain(elsewhere).collect(),
            live: lettered.into_iter().chain(others).collect(),
        }
    }

    /// Where dead letters are kept.
    #[must_use]
    pub fn dead(&self) -> &[DeadQueue] {
        &self.dead
    }

    /// Whether dead letters are kept in that queue.
    #[must_use]
    pub fn is_dead(&self, name: &str) -> bool {
        self.dead.iter().any(|queue| queue.name == name)
    }

    /// Looks at all of them; those that do not exist are left out.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn look(&self) -> Result<Vec<QueueReport>, BrokerError> {
        let names: Vec<String> =
            self.live.iter().cloned().chain(self.dead.iter().map(|queue| queue.name.clone())).collect();
        let states = self.broker.look_at(names.clone()).await?;
        let report = |(name, state): (String, Option<QueueState>)| Some(QueueReport { name, state: state? });
        Ok(names.into_iter().zip(states).filter_map(report).collect())
    }
}
