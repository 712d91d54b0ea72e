//! Lines to agents: one for each broker that agents are connected to, shared by the kinds of agents there. A broker
//! that is away holds up its own agents' work and nobody else's.

use std::collections::BTreeSet;
use std::time::Duration;

use messaging::{Broker, BrokerError, BrokerSettings, Outgoing, PublishError, Publisher};
use protocol::topology::Topology;
use protocol::vocabulary::AgentType;
use thiserror::Error;
use tokio::time::timeout;

use super::settings::AgentsSettings;
use super::topology;

/// Longest wait for a confirm. A delivery that waits holds back the acknowledgement of all that came after it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A broker, and who is reached through it.
pub struct LinePlan {
    /// The broker.
    pub broker: Broker,
    /// The kinds of agents, each with the queue that its work goes to.
    pub agents: Vec<(AgentType, String)>,
}

/// An open line.
#[derive(Clone)]
pub(super) struct Line {
    publisher: Publisher,
}

/// Why a message did not reach its queue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The agents' broker is away, or takes nothing.
    #[error("the agents' broker is away")]
    Away,
    /// It was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// It cannot be written.
    #[error("not writable: {0}")]
    Unwritable(String),
}

/// Which brokers to connect to. Two routes to the same broker and virtual host share a line.
///
/// # Errors
/// When a broker's settings make no sense.
pub fn plan(
    settings: &AgentsSettings,
    events: &BrokerSettings,
    connection_name: &str,
) -> Result<Vec<LinePlan>, BrokerError> {
    let mut lines: Vec<LinePlan> = Vec::new();
    for &agent_type in AgentType::ALL.iter().filter(|&&agent_type| agent_type != AgentType::Orchestrator) {
        let broker = Broker::new(&settings.broker_for(agent_type, events), connection_name)?;
        let agents = (agent_type, settings.queue_for(agent_type).to_owned());
        match lines.iter_mut().find(|line| line.broker.address() == broker.address()) {
            Some(line) => line.agents.push(agents),
            None => lines.push(LinePlan { broker, agents: vec![agents] }),
        }
    }
    Ok(lines)
}

impl LinePlan {
    /// What is declared at this broker before anything else.
    #[must_use]
    pub fn topology(&self) -> Topology {
        let queues: BTreeSet<&str> = self.agents.iter().map(|(_, queue)| queue.as_str()).collect();
        topology::declared(queues)
    }
}

impl Line {
    pub(super) const fn new(publisher: Publisher) -> Self {
        Self { publisher }
    }

    /// Publishes and waits for the confirm, but not for a broker that is away. After a wait in vain the message may
    /// still be published later, beside its repetition: whoever gets both knows them by their request id.
    pub(super) async fn publish(&self, message: Outgoing) -> Result<(), SendError> {
        if !self.publisher.health().connected {
            return Err(SendError::Away);
        }
        let published = timeout(LONGEST_WAIT, self.publisher.publish(message)).await;
        Ok(published.map_err(|_| SendError::Away)??)
    }
}
