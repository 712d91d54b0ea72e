//! The working parts put together from settings: outside services, lanes, publishers, consumers.

mod agents;

pub use agents::AgentConnections;

use std::sync::Arc;

use anyhow::Context as _;
use messaging::{
    Broker, BrokerHealth, Consumer, ConsumerHandle, ConsumerSettings, Publisher, PublisherSettings,
};
use protocol::topology::ROUTING_QUEUE;
use service_runtime::clock::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::analysis::Analyst;
use crate::analysis::agent_service::AgentService;
use crate::consumers::{TaskEvents, declared};
use crate::context::ContextService;
use crate::lanes::TierLane;
use crate::outbound::breaker::CircuitBreaker;
use crate::outbound::{Outbound, OutboundSettings};
use crate::settings::Settings;

/// Who we are in the broker's lists.
const CONNECTION_NAME: &str = "routing-engine";
/// Most events in one batch. Small, since a batch is acknowledged when its slowest task is routed.
const MAX_BATCH: usize = 32;

/// When to stop: first what takes work in, then what carries results out.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// No more deliveries; what is being routed may finish.
    pub intake: CancellationToken,
    /// No more publishing, once everything is confirmed.
    pub output: CancellationToken,
}

/// A running engine.
pub struct Engine {
    publisher: Publisher,
    consumer: ConsumerHandle,
    /// The publisher's task; ends after `output`.
    pub publishing: JoinHandle<()>,
    /// The consumer's task; ends after `intake`.
    pub consuming: JoinHandle<()>,
    /// The connections of the agent lane.
    pub agents: AgentConnections,
    /// The breakers of the outside services that are configured, by name.
    pub breakers: Vec<(&'static str, CircuitBreaker)>,
}

impl Engine {
    /// Sets everything going. A broker or an outside service that is away is no error.
    ///
    /// # Errors
    /// If settings cannot be used.
    pub fn start(settings: &Settings, clock: &Arc<dyn Clock>, stops: &Stops) -> anyhow::Result<Self> {
        let mut breakers = Vec::new();
        let lane = lane(settings, clock, &mut breakers)?;
        let tiers = settings.routing.tiers.iter().map(|spec| &spec.tier);
        let topology = declared(tiers);
        let broker = Broker::new(&settings.events.rabbitmq, CONNECTION_NAME)?;
        let (publisher, publishing) =
            Publisher::start(&broker, topology.clone(), &PublisherSettings::default(), stops.output.clone());
        let (agent_lane, agents) = AgentConnections::start(settings, &publisher, clock, stops)?;
        let (consumer, consuming) = Consumer::start(
            &broker,
            topology,
            publisher.clone(),
            consumer_settings(settings),
            Arc::new(TaskEvents::new(lane, agent_lane, publisher.clone(), Arc::clone(clock))),
            stops.intake.clone(),
        );
        Ok(Self { publisher, consumer, publishing, consuming, agents, breakers })
    }

    /// Asks how publisher and consumer are doing, for as long as it is kept.
    pub fn broker_health(&self) -> impl Fn() -> [BrokerHealth; 2] + Send + Sync + 'static {
        let (publisher, consumer) = (self.publisher.clone(), self.consumer.clone());
        move || [publisher.health(), consumer.health()]
    }
}

fn consumer_settings(settings: &Settings) -> ConsumerSettings {
    ConsumerSettings {
        prefetch: settings.routing.prefetch,
        max_batch: MAX_BATCH,
        // Every delivery could be a batch of its own: none waits for another one that is slow.
        batches_in_flight: usize::from(settings.routing.prefetch),
        // Half of the time to drain is the intake's; what is not routed by then is given back to the broker.
        drain_timeout: settings.runtime.drain_limit().mul_f64(0.4),
        ..ConsumerSettings::new(ROUTING_QUEUE)
    }
}

fn lane(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    breakers: &mut Vec<(&'static str, CircuitBreaker)>,
) -> anyhow::Result<TierLane> {
    let routing = &settings.routing;
    let tiers = routing.tier_table()?;
    let rules = routing.rules(&tiers)?;
    let mut outbound = |name, address: Option<String>, limits: &OutboundSettings| {
        let Some(address) = address else { return Ok::<_, anyhow::Error>(None) };
        let outbound = Outbound::new(name, address, limits.clone(), Arc::clone(clock))
            .with_context(|| format!("the client of {name} cannot be made"))?;
        breakers.push((name, outbound.breaker()));
        Ok(Some(outbound))
    };
    let agent_service = outbound("agent_service", routing.agent_service_address()?, &routing.agent_service)?;
    let rag_service = outbound("rag_service", routing.rag_service_address()?, &routing.rag_service)?;
    let analyst = Analyst::new(rules, agent_service.map(AgentService::new));
    let context = rag_service.map(|outbound| ContextService::new(outbound, routing.context.clone()));
    Ok(TierLane::new(analyst, context, tiers, Arc::clone(clock), routing.lane_limits()))
}
