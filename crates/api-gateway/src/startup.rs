//! Puts the service together: database, publisher, outbox relay, consumer, reconcilers, REST.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use anyhow::Context;
use messaging::{Broker, ConsumerHandle, DeadLetters, OutboxRelay, Publisher, RpcClient};
use protocol::topology;
use service_runtime::clock::Clock;
use service_runtime::database::Pool;
use service_runtime::health::{CheckResult, Health, Importance};
use service_runtime::http::serve_until;
use service_runtime::ops::OpsState;
use service_runtime::service::ServiceContext;
use service_runtime::shutdown::{Shutdown, Stage, TaskGroup};
use tracing::info;

use crate::access::Access;
use crate::agents::AgentRegistry;
use crate::dead_letters::DeadLetterOffice;
use crate::http::connection::limit_patience;
use crate::http::waiting::WaitingRoom;
use crate::http::{AppState, RestApi};
use crate::idempotency::Idempotency;
use crate::provenance::ProvenanceClient;
use crate::queues::Queues;
use crate::reconcilers::Hearing;
use crate::settings::Settings;
use crate::tasks::event_application::EventHandler;
use crate::tasks::queries::TaskReader;
use crate::tasks::submission::Submitter;
use crate::tasks::{TaskService, TaskServiceParts};
use crate::{consumers, live, reconcilers};

/// How long requests under way may take to finish once the service ends.
const HTTP_DRAIN_SECONDS: u64 = 10;

/// Starts the service within its process.
///
/// # Errors
/// If it cannot listen, cannot be migrated, or its settings make no sense.
pub async fn start(context: ServiceContext<Settings>) -> anyhow::Result<()> {
    messaging::metrics::describe();
    crate::metrics::describe();
    if context.settings.http.ops_port.is_some() {
        // First, so that a probe hears that the process lives while it waits for the database.
        context.serve_ops()?;
    }
    let http = &context.settings.http;
    let listeners = http
        .listen(http.port)
        .await
        .with_context(|| format!("cannot listen on {}:{}", http.host, http.port))?;
    let waiting_room = WaitingRoom::open(&listeners, context.ops_state())?;
    let pool = context.connect_database().await;
    waiting_room.close().await;
    let parts = Parts {
        pool: pool?,
        listeners,
        clock: Arc::clone(&context.clock),
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        ops: context.ops_state(),
        version: context.info.version,
    };
    assemble(&context.settings, parts).map(|_| ())
}

/// What the service is made of besides its settings.
pub struct Parts {
    /// The database, migrated.
    pub pool: Pool,
    /// Where REST is served.
    pub listeners: Vec<TcpListener>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The tasks that make up the service.
    pub tasks: TaskGroup,
    /// The request to end.
    pub shutdown: Shutdown,
    /// Health and metrics.
    pub ops: OpsState,
    /// The version of the service.
    pub version: &'static str,
}

/// Sets everything going and returns the address on which REST is served.
///
/// # Errors
/// If it cannot serve or the broker's settings make no sense.
pub fn assemble(settings: &Settings, parts: Parts) -> anyhow::Result<SocketAddr> {
    let Parts { pool, listeners, clock, tasks, shutdown, ops, version } = parts;
    let events = &settings.events;
    let broker = Broker::new(&events.rabbitmq, "api-gateway")?;

    let stop = shutdown.token(Stage::Output);
    let (publisher, publishing) = Publisher::start(&broker, consumers::topology(), &events.publisher, stop);
    tasks.adopt(Stage::Output, "publisher", publishing);
    let stop = shutdown.token(Stage::Work);
    let (relay, relaying) = OutboxRelay::start(pool.clone(), publisher.clone(), &events.outbox, stop);
    tasks.adopt(Stage::Work, "outbox relay", relaying);

    let management = &settings.task_management;
    let (feed, hub) = live::start(&broker, &events.publisher, &pool, &settings.live, &tasks, &shutdown);
    let (access, recording) =
        Access::new(pool.clone(), Arc::clone(&clock), &settings.auth, shutdown.token(Stage::Work));
    tasks.spawn(Stage::Work, "audit log", recording);
    let service = TaskService::new(TaskServiceParts {
        pool: pool.clone(),
        announce: Arc::new(move |entries| relay.dispatch(entries)),
        live: feed,
        clock: Arc::clone(&clock),
        rules: management.rules(),
        max_concurrent_per_project: management.max_concurrent_per_project,
    });
    let stop = shutdown.token(Stage::Work);
    let (submitter, writing) =
        Submitter::new(service.clone(), management.default_priority, management.collector(), stop);
    tasks.spawn(Stage::Work, "submission writer", writing);
    let (reader, reading) = TaskReader::new(service.clone(), shutdown.token(Stage::Work));
    tasks.spawn(Stage::Work, "task reader", reading);

    let handler = EventHandler::new(service.clone(), management.plan_limits());
    let stop = shutdown.token(Stage::Intake);
    let (consumer, consuming) = consumers::start(&broker, publisher.clone(), events, handler, stop);
    tasks.adopt(Stage::Intake, "event consumer", consuming);
    reconcilers::start(
        &service,
        &settings.reconcilers,
        &settings.retention,
        settings.api.idempotency_keep(),
        &tasks,
        &shutdown,
    );
    reconcilers::start_for_webhooks(&service, &settings.webhooks, &settings.reconcilers, &tasks, &shutdown)?;
    let agents = AgentRegistry::new(service.clone(), &settings.agents);
    let queues = Queues::new(&broker, &management.tiers);
    reconcilers::start_for_operators(&service, queues.clone(), settings, &tasks, &shutdown);
    let letters = DeadLetters::new(broker.clone(), publisher.clone());
    let hearing = hearing(&broker, &consumer);
    reconcilers::start_for_agents(&agents, &settings.reconcilers, hearing, &tasks, &shutdown);

    // The provenance-store declares its queue; asking before it has is answered at once.
    let (rpc, calling) =
        RpcClient::start(&broker, topology::Topology::default(), shutdown.token(Stage::Work));
    tasks.adopt(Stage::Work, "provenance client", calling);
    let provenance =
        ProvenanceClient::new(rpc, settings.provenance.query_timeout(), settings.provenance.import_timeout());
    register_checks(&ops.health, &broker, publisher, consumer, &provenance);

    let api = &settings.api;
    let idempotency =
        Idempotency::new(pool, Arc::clone(&clock), api.idempotency_keep(), api.idempotency_lease());
    let state = AppState {
        tasks: service,
        access,
        idempotency,
        reader,
        submitter,
        agents,
        live: hub,
        sockets: (&settings.live).into(),
        webhooks: (&settings.webhooks).into(),
        provenance,
        dead_letters: DeadLetterOffice::new(queues.clone(), letters, Arc::clone(&clock)),
        queues,
        worker_silence_seconds: settings.workers.offline_seconds,
        max_import_line_bytes: settings.provenance.max_import_line_bytes,
        ops,
        clock,
        version,
    };
    serve_rest(settings, state, listeners, &tasks, &shutdown)
}

fn serve_rest(
    settings: &Settings,
    state: AppState,
    listeners: Vec<TcpListener>,
    tasks: &TaskGroup,
    shutdown: &Shutdown,
) -> anyhow::Result<SocketAddr> {
    let http = &settings.http;
    let api = RestApi::new(state, settings.api.max_body_bytes, settings.api.patience())?;
    let mut server = HttpServer::new(move || api.app())
        .workers(http.worker_count())
        .client_request_timeout(settings.api.head_timeout())
        .keep_alive(Duration::from_secs(http.keep_alive_seconds))
        .shutdown_timeout(HTTP_DRAIN_SECONDS)
        .on_connect(limit_patience)
        .disable_signals();
    for listener in listeners {
        server = server.listen(listener).context("cannot take over the port")?;
    }
    let address = server.addrs().first().copied().context("the server has no address")?;
    if let Some(file) = &settings.api.port_file {
        write_port(file, address.port()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    tasks.spawn(Stage::Intake, "http", serve_until(server.run(), shutdown.token(Stage::Intake)));
    info!(%address, "REST is up");
    Ok(address)
}

/// Whoever waits for the file finds it whole: it gets its name when it is written.
fn write_port(file: &Path, port: u16) -> std::io::Result<()> {
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, port.to_string())?;
    std::fs::rename(unfinished, file)
}

/// Agents are heard through the routing-engine and our own queue.
fn hearing(broker: &Broker, consumer: &ConsumerHandle) -> Hearing {
    let (broker, consumer) = (broker.clone(), consumer.clone());
    Hearing {
        listens: Box::new(move || consumer.health().is_good()),
        is_told: Box::new(move || {
            let broker = broker.clone();
            Box::pin(async move { check_routing(broker).await.is_ok() })
        }),
    }
}

/// Without the broker, tasks are still taken in: their events wait in the outbox.
fn register_checks(
    health: &Health,
    broker: &Broker,
    publisher: Publisher,
    consumer: ConsumerHandle,
    provenance: &ProvenanceClient,
) {
    health.register("rabbitmq", Importance::Deferring, move || {
        std::future::ready(check_broker(&publisher, &consumer))
    });
    let broker = broker.clone();
    health.register("routing_engine", Importance::Degrading, move || check_routing(broker.clone()));
    let provenance = provenance.clone();
    health.register("provenance_store", Importance::Degrading, move || {
        let provenance = provenance.clone();
        async move {
            let asked = provenance.project_health(protocol::ProjectId::default()).await;
            asked.map(|_| ()).map_err(|error| error.to_string())
        }
    });
}

/// A consumer that waits for the database is the database's trouble, not the broker's.
fn check_broker(publisher: &Publisher, consumer: &ConsumerHandle) -> CheckResult {
    if !publisher.health().connected || !consumer.health().connected {
        return Err("no connection to the broker".to_owned());
    }
    if publisher.health().stalled {
        return Err("the broker takes no events".to_owned());
    }
    Ok(())
}

/// The routing-engine is there if somebody takes from its queue.
async fn check_routing(broker: Broker) -> CheckResult {
    let queues = topology::service_queue(topology::ROUTING_QUEUE, &[]).queues;
    let queue = queues.into_iter().find(|queue| queue.name == topology::ROUTING_QUEUE);
    let Some(queue) = queue else { return Err("its queue is not known".to_owned()) };
    match broker.queue_state(queue).await {
        Ok(state) if state.consumers > 0 => Ok(()),
        Ok(_) => Err("nobody takes tasks from its queue".to_owned()),
        Err(_) => Err("no connection to the broker".to_owned()),
    }
}
