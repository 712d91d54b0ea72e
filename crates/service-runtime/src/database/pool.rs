//! The pool of connections, its health check and its metrics.

use deadpool::managed::QueueMode;
use diesel::ConnectionError;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use metrics::{describe_gauge, gauge};
use tokio::runtime::Handle;

use super::Pool;
use super::connect::Connector;
use super::settings::DatabaseSettings;
use super::target::{Target, TargetError};
use crate::health::CheckResult;
use crate::telemetry::MetricsHandle;

/// A pool for the database in the settings. Nothing is opened yet, so that a database that is away
/// keeps no service from starting. Call it on the service's runtime: connections live there, also when
/// they are first needed on a thread of the HTTP server.
///
/// # Errors
/// When the URL or the certificates make no sense.
pub fn connect(settings: &DatabaseSettings) -> Result<Pool, TargetError> {
    let target = Target::new(settings, true)?;
    let hosts = u32::try_from(target.host_count()).unwrap_or(u32::MAX);
    let connector = Connector::new(target)?;
    let timeout = settings.connect_timeout();
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", manager(connector, Handle::current())))
        .max_size(settings.max_connections)
        // The connection that was used last has its statements planned and its caches warm.
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(timeout))
        .create_timeout(Some(timeout.saturating_mul(hosts)))
        .recycle_timeout(Some(timeout))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| TargetError::Url(error.to_string()))
}

fn manager(connector: Connector, runtime: Handle) -> ManagerConfig<AsyncPgConnection> {
    let mut config = ManagerConfig::default();
    // Asking the server on every loan costs a third of the throughput; a dead connection is noticed
    // by its driver, and the pool drops it.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let connector = connector.clone();
        let opened = runtime.spawn(async move { connector.open().await });
        async move { opened.await.map_err(|error| ConnectionError::BadConnection(error.to_string()))? }
            .boxed()
    });
    config
}

/// Asks the database whether it answers; for [`crate::health::Health::register`].
///
/// # Errors
/// When it does not.
pub async fn check(pool: Pool) -> CheckResult {
    let unavailable = |_| "the database does not answer".to_owned();
    let mut connection = pool.get().await.map_err(|_| "no connection to the database".to_owned())?;
    connection.batch_execute("SELECT 1").await.map_err(unavailable)
}

/// Shows the use of the pool among the metrics.
pub fn watch(pool: &Pool, metrics: &MetricsHandle) {
    describe_gauge!(
        "dats_database_pool_connections",
        "Connections to the database, by state: in_use or idle"
    );
    describe_gauge!("dats_database_pool_max_connections", "Most connections that the pool opens");
    describe_gauge!("dats_database_pool_waiting", "Callers that wait for a connection");
    let pool = pool.clone();
    metrics.before_rendering(move || {
        let status = pool.status();
        let in_use = status.size.saturating_sub(status.available);
        gauge!("dats_database_pool_connections", "state" => "in_use").set(to_gauge(in_use));
        gauge!("dats_database_pool_connections", "state" => "idle").set(to_gauge(status.available));
        gauge!("dats_database_pool_max_connections").set(to_gauge(status.max_size));
        gauge!("dats_database_pool_waiting").set(to_gauge(status.waiting));
    });
}

fn to_gauge(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
