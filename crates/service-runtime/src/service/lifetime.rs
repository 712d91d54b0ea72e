//! From the start of a service to its end.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::command_line::Invocation;
use super::{EXIT_FAILED, EXIT_OK, RuntimeSettings, ServiceContext, ServiceInfo, ServiceSettings};
use crate::clock::SystemClock;
use crate::database;
use crate::health::{Health, LifePhase};
use crate::shutdown::{Shutdown, TaskGroup, wait_for_signal};
use crate::telemetry::{LogLevel, MetricsHandle, TelemetryGuard};

/// How long tasks that did not drain may still run while the runtime is taken down.
pub(super) const LAST_CALL: Duration = Duration::from_millis(200);
/// How often samples of histograms are moved into their buckets.
const METRICS_UPKEEP: Duration = Duration::from_secs(10);

/// The runtime that everything but the HTTP workers runs on.
pub(super) fn runtime(name: &'static str, settings: &RuntimeSettings) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = settings.worker_threads.map(NonZeroUsize::get) {
        builder.worker_threads(threads);
    }
    builder.thread_name(name).enable_all().build()
}

/// Starts the service, waits for its end and drains it; returns the exit code.
pub(super) async fn serve<S, F, Fut>(
    info: ServiceInfo,
    invocation: Invocation,
    settings: S,
    telemetry: &TelemetryGuard,
    start: F,
) -> u8
where
    S: ServiceSettings + DeserializeOwned,
    F: FnOnce(ServiceContext<S>) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let shutdown = Shutdown::new();
    let context = ServiceContext {
        info,
        settings: Arc::new(settings),
        tasks: TaskGroup::new(shutdown.clone()),
        shutdown: shutdown.clone(),
        health: Health::new(),
        metrics: telemetry.metrics(),
        log_level: telemetry.log_level(),
        clock: SystemClock::shared(),
    };
    info!(version = info.version, "{} is starting", info.name);
    tokio::spawn(obey_signals(shutdown.clone()));
    tokio::spawn(keep_metrics_compact(telemetry.metrics()));
    tokio::spawn(follow_log_level::<S>(info, invocation, telemetry.log_level()));
    tokio::select! {
        // An end that is asked for during the start must not wait for it.
        biased;
        () = shutdown.requested() => {}
        started = start(context.clone()) => match started {
            Ok(()) => {
                context.health.enter(LifePhase::Serving);
                info!("{} is up", info.name);
            }
            Err(_) if shutdown.is_requested() => {}
            Err(error) => shutdown.fail(&format!("the start failed: {error:#}")),
        },
    }
    shutdown.requested().await;
    end(&context).await
}

/// Drains the service; a second signal ends it at once.
async fn end<S: ServiceSettings>(context: &ServiceContext<S>) -> u8 {
    context.health.enter(LifePhase::Draining);
    let settings = context.settings.runtime();
    let drain = async {
        if !context.shutdown.has_failed() {
            tokio::time::sleep(settings.drain_delay()).await;
        }
        context.tasks.drain(settings.drain_limit()).await
    };
    tokio::select! {
        drained = drain => {
            if !drained.unfinished.is_empty() {
                warn!(tasks = ?drained.unfinished, "the drain time is over; what is unfinished is given up");
                return EXIT_FAILED;
            }
        }
        Ok(signal) = wait_for_signal() => {
            warn!(signal, "second signal: ending at once");
            return EXIT_FAILED;
        }
    }
    info!("{} has ended", context.info.name);
    if context.shutdown.has_failed() { EXIT_FAILED } else { EXIT_OK }
}

/// Brings the service's tables up to date and returns the exit code.
pub(super) async fn migrate<S: ServiceSettings>(info: &ServiceInfo, settings: &S) -> u8 {
    let (Some(migrations), Some(storage)) = (info.migrations, settings.storage()) else {
        info!("{} has no database", info.name);
        return EXIT_OK;
    };
    match database::migrate(storage, migrations).await {
        Ok(()) => {
            info!("the database is up to date");
            EXIT_OK
        }
        Err(error) => {
            error!(%error, "the database could not be migrated");
            EXIT_FAILED
        }
    }
}

async fn obey_signals(shutdown: Shutdown) {
    match wait_for_signal().await {
        Ok(signal) => shutdown.request(signal),
        Err(error) => shutdown.fail(&format!("signals cannot be received: {error}")),
    }
}

async fn keep_metrics_compact(metrics: MetricsHandle) {
    let mut ticks = interval(METRICS_UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.compact();
    }
}

/// SIGHUP: reads the settings again and takes over the log level. Everything else needs a restart.
async fn follow_log_level<S: ServiceSettings + DeserializeOwned>(
    info: ServiceInfo,
    invocation: Invocation,
    log_level: LogLevel,
) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    while hangups.recv().await.is_some() {
        match super::load_settings::<S>(&info, &invocation) {
            Ok(settings) => match log_level.set(&settings.telemetry().log_level) {
                Ok(()) => warn!(level = settings.telemetry().log_level, "log level set"),
                Err(error) => error!(%error, "the log level stays as it was"),
            },
            Err(error) => error!(%error, "the settings cannot be read again; the log level stays as it was"),
        }
    }
}
