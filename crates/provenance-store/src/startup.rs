//! Puts the service together: database, publisher, outbox relay, consumer of events, answers to questions, upkeep.

use std::sync::Arc;

use messaging::{Broker, Consumer, ConsumerHandle, OutboxRelay, Publisher, RpcServer};
use protocol::topology;
use service_runtime::clock::Clock;
use service_runtime::database::Pool;
use service_runtime::health::{CheckResult, Health, Importance};
use service_runtime::service::ServiceContext;
use service_runtime::shutdown::{Shutdown, Stage, TaskGroup};

use crate::consumers::{CONSUMED, EventConsumer, QueryResponder};
use crate::measurements;
use crate::settings::Settings;
use crate::upkeep;

/// Starts the service within its process.
///
/// # Errors
/// If it cannot listen, cannot be migrated, or its settings make no sense.
pub async fn start(context: ServiceContext<Settings>) -> anyhow::Result<()> {
    messaging::metrics::describe();
    measurements::describe();
    // First, so that a probe hears that the process lives while it waits for the database.
    context.serve_ops()?;
    let pool = context.connect_database().await?;
    let parts = Parts {
        pool,
        clock: Arc::clone(&context.clock),
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        health: context.health.clone(),
    };
    assemble(&context.settings, parts)
}

/// What the service is made of besides its settings.
pub struct Parts {
    /// The database, migrated.
    pub pool: Pool,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The tasks that make up the service.
    pub tasks: TaskGroup,
    /// The request to end.
    pub shutdown: Shutdown,
    /// Checks of what the service depends on.
    pub health: Health,
}

/// Sets everything going that talks to the broker.
///
/// # Errors
/// If the broker's settings make no sense.
pub fn assemble(settings: &Settings, parts: Parts) -> anyhow::Result<()> {
    let Parts { pool, clock, tasks, shutdown, health } = parts;
    let events = &settings.events;
    let broker = Broker::new(&events.rabbitmq, "provenance-store")?;
    let service_queue =
        topology::service_queue(topology::PROVENANCE_QUEUE, &CONSUMED).and(topology::notices());

    let stop = shutdown.token(Stage::Output);
    let (publisher, publishing) = Publisher::start(&broker, service_queue.clone(), &events.publisher, stop);
    tasks.adopt(Stage::Output, "publisher", publishing);

    let stop = shutdown.token(Stage::Work);
    let (relay, relaying) = OutboxRelay::start(pool.clone(), publisher.clone(), &events.outbox, stop);
    tasks.adopt(Stage::Work, "outbox relay", relaying);

    let consumer_settings = events.consumer(topology::PROVENANCE_QUEUE);
    let handler = Arc::new(EventConsumer::new(
        pool.clone(),
        relay.clone(),
        Arc::clone(&clock),
        settings.policy(),
        settings.costs.clone(),
    ));
    let stop = shutdown.token(Stage::Intake);
    let (consumer, consuming) =
        Consumer::start(&broker, service_queue, publisher.clone(), consumer_settings, handler, stop.clone());
    tasks.adopt(Stage::Intake, "event consumer", consuming);

    let (responder, answering) = RpcServer::start(
        &broker,
        topology::provenance_queries(settings.queries.timeout()),
        topology::PROVENANCE_QUERY_QUEUE,
        settings.queries.concurrency,
        Arc::new(QueryResponder::new(
            pool.clone(),
            relay.clone(),
            Arc::clone(&clock),
            settings.policy(),
            settings.queries.graph_limits(),
        )),
        stop.clone(),
    );
    tasks.adopt(Stage::Intake, "query responder", answering);

    let keeper = upkeep::Upkeep {
        pool,
        relay,
        clock,
        policy: settings.policy(),
        settings: settings.retention.clone(),
    };
    tasks.spawn(Stage::Intake, "upkeep", keeper.run(stop));
    health.register("rabbitmq", Importance::Required, move || {
        std::future::ready(check_broker(&publisher, &consumer, &responder))
    });
    Ok(())
}

/// A consumer that waits for the database is the database's trouble, not the broker's.
fn check_broker(publisher: &Publisher, consumer: &ConsumerHandle, responder: &RpcServer) -> CheckResult {
    if !publisher.health().connected || !consumer.health().connected || !responder.health().connected {
        return Err("no connection to the broker".to_owned());
    }
    if publisher.health().stalled {
        return Err("the broker takes no events".to_owned());
    }
    Ok(())
}
