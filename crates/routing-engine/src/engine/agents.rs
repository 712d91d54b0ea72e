//! The connections of the agent lane: for each broker that agents use, a publisher for work and a consumer of replies.
//! They are apart from those of the event side, so that agents' objects which the broker refuses stop no other task.

use std::sync::Arc;

use messaging::{BrokerHealth, Consumer, ConsumerHandle, ConsumerSettings, Publisher, PublisherSettings};
use protocol::topology::REPLY_QUEUE;
use service_runtime::clock::Clock;
use tokio::task::JoinHandle;
use tracing::info;

use super::{CONNECTION_NAME, Stops};
use crate::consumers::AgentReplies;
use crate::lanes::agent::{AgentLane, ReplyReader, plan};
use crate::settings::Settings;

/// Batches of replies whose events wait for their confirm. Enough that none waits for the one before, few enough that
/// many replies still make large batches.
const REPLY_BATCHES: usize = 16;

/// What keeps the agent lane going.
pub struct AgentConnections {
    connections: Vec<(Publisher, ConsumerHandle)>,
    /// The publishers' tasks; they end after `output`.
    pub publishing: Vec<JoinHandle<()>>,
    /// The consumers' tasks; they end after `intake`.
    pub consuming: Vec<JoinHandle<()>>,
}

impl AgentConnections {
    /// Opens them. Replies are told through `events`.
    pub(super) fn start(
        settings: &Settings,
        events: &Publisher,
        clock: &Arc<dyn Clock>,
        stops: &Stops,
    ) -> anyhow::Result<(AgentLane, Self)> {
        let agents = &settings.agents;
        let reader = ReplyReader {
            max_inline_output_bytes: agents.max_inline_output_bytes,
            max_reply_bytes: agents.max_reply_bytes,
        };
        let mut opened = Self { connections: Vec::new(), publishing: Vec::new(), consuming: Vec::new() };
        let mut lines = Vec::new();
        for line in plan(agents, &settings.events.rabbitmq, CONNECTION_NAME)? {
            info!(broker = line.broker.address(), agents = ?line.agents, "agents are reached through this broker");
            let topology = line.topology();
            let limits = PublisherSettings::default();
            let (publisher, publishing) =
                Publisher::start(&line.broker, topology.clone(), &limits, stops.output.clone());
            let (consumer, consuming) = Consumer::start_raw(
                &line.broker,
                topology,
                publisher.clone(),
                replies(settings),
                Arc::new(AgentReplies::new(reader, events.clone(), Arc::clone(clock))),
                stops.intake.clone(),
            );
            opened.connections.push((publisher.clone(), consumer));
            opened.publishing.push(publishing);
            opened.consuming.push(consuming);
            lines.push((line, publisher));
        }
        Ok((AgentLane::new(agents, lines, Arc::clone(clock)), opened))
    }

    /// Asks how publishers and consumers are doing, for as long as it is kept.
    pub fn health(&self) -> impl Fn() -> Vec<BrokerHealth> + Send + Sync + 'static {
        let connections = self.connections.clone();
        move || {
            let each =
                |(publisher, consumer): &(Publisher, ConsumerHandle)| [publisher.health(), consumer.health()];
            connections.iter().flat_map(each).collect()
        }
    }
}

fn replies(settings: &Settings) -> ConsumerSettings {
    ConsumerSettings {
        prefetch: settings.agents.reply_prefetch,
        max_batch: usize::from(settings.agents.reply_prefetch),
        // Each batch waits for the confirms of its events, which takes longer than anything else about it.
        batches_in_flight: REPLY_BATCHES,
        // Nothing about a reply gets better with time; what needs time is the broker, which is waited for.
        retry_delays: Vec::new(),
        drain_timeout: settings.runtime.drain_limit().mul_f64(0.4),
        ..ConsumerSettings::new(REPLY_QUEUE)
    }
}
