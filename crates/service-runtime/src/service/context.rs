//! What a service finds when it starts.

use std::net::SocketAddr;
use std::sync::Arc;

use tracing::info;

use super::{ServiceInfo, ServiceSettings};
use crate::clock::Clock;
use crate::database::{self, DatabaseSettings, Pool};
use crate::health::{Health, Importance};
use crate::http::serve_until;
use crate::ops::{self, OpsState};
use crate::shutdown::{Shutdown, Stage, TaskGroup};
use crate::telemetry::{LogLevel, MetricsHandle};

/// Settings, health, metrics, clock, and the group of tasks that make up the service.
pub struct ServiceContext<S> {
    /// What the service says about itself.
    pub info: ServiceInfo,
    /// The service's settings.
    pub settings: Arc<S>,
    /// The long-running tasks; they are ended in order.
    pub tasks: TaskGroup,
    /// The request to end, and the tokens that pass it on.
    pub shutdown: Shutdown,
    /// Checks of what the service depends on.
    pub health: Health,
    /// The service's metrics.
    pub metrics: MetricsHandle,
    /// The service's log level.
    pub log_level: LogLevel,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl<S> Clone for ServiceContext<S> {
    fn clone(&self) -> Self {
        Self {
            info: self.info,
            settings: Arc::clone(&self.settings),
            tasks: self.tasks.clone(),
            shutdown: self.shutdown.clone(),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            log_level: self.log_level.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<S: ServiceSettings> ServiceContext<S> {
    /// What the operations endpoints show; for a server of one's own with [`ops::configure`].
    #[must_use]
    pub fn ops_state(&self) -> OpsState {
        OpsState {
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            log_level: self.log_level.clone(),
        }
    }

    /// Starts a server for the operations endpoints alone, on `http.ops_port` or else `http.port`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn serve_ops(&self) -> anyhow::Result<SocketAddr> {
        let settings = self.settings.http();
        let (server, address) = ops::server(settings, self.ops_state()).map_err(|error| {
            anyhow::anyhow!("cannot listen on {}:{}: {error}", settings.host, settings.ops_port_or_port())
        })?;
        self.tasks.spawn(Stage::Output, "ops", serve_until(server, self.shutdown.token(Stage::Output)));
        info!(%address, "operations endpoints are up");
        Ok(address)
    }

    /// The pool for the service's database, whose tables are up to date: waits for a database that does
    /// not answer yet, migrates it, and adds its health check and metrics.
    ///
    /// # Errors
    /// When a migration fails, the settings make no sense, or the service is asked to end meanwhile.
    pub async fn connect_database(&self) -> anyhow::Result<Pool> {
        let settings = self.storage()?;
        let pool = database::connect(settings)?;
        let checked = pool.clone();
        self.health.register("database", Importance::Required, move || database::check(checked.clone()));
        database::watch(&pool, &self.metrics);
        if let (Some(migrations), true) = (self.info.migrations, settings.migrate_on_start) {
            let stop = self.shutdown.token(Stage::Intake);
            database::migrate_when_available(settings, migrations, &stop).await?;
        }
        Ok(pool)
    }

    fn storage(&self) -> anyhow::Result<&DatabaseSettings> {
        self.settings.storage().ok_or_else(|| anyhow::anyhow!("{} has no section storage", self.info.name))
    }
}
