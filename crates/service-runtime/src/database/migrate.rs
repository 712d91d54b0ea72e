//! Brings a database's tables up to date, by one process at a time: replicas that start together
//! queue up at an advisory lock and find the work done.

use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::connect::Connector;
use super::settings::DatabaseSettings;
use super::target::{Target, TargetError};
use crate::backoff::Backoff;

/// Any number, as long as nothing else locks it: "dats migrate" as hexadecimal.
const LOCK: i64 = 0x0da7_5a16_7a7e;

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] TargetError),
    /// The database does not answer, or refuses us; it may later.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// A migration failed; trying again will not help.
    #[error("a migration failed: {0}")]
    Failed(String),
    /// The service was asked to end while it waited for the database.
    #[error("the service was asked to end before the database answered")]
    Interrupted,
}

/// Applies the migrations that are missing, once.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn migrate(
    settings: &DatabaseSettings,
    migrations: &'static EmbeddedMigrations,
) -> Result<(), MigrateError> {
    let connector = Connector::new(Target::new(settings, false)?)?;
    let mut connection =
        connector.open().await.map_err(|error| MigrateError::Unreachable(error.to_string()))?;
    // The lock ends with the session, so a process that dies here blocks nobody.
    connection
        .batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))
        .await
        .map_err(|error| MigrateError::Unreachable(error.to_string()))?;
    tokio::task::spawn_blocking(move || apply(connection, migrations))
        .await
        .map_err(|error| MigrateError::Failed(error.to_string()))?
}

/// Migrations that are kept elsewhere, so that a failed try does not use them up.
struct Borrowed(&'static EmbeddedMigrations);

impl MigrationSource<Pg> for Borrowed {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        self.0.migrations()
    }
}

fn apply(connection: AsyncPgConnection, migrations: &'static EmbeddedMigrations) -> Result<(), MigrateError> {
    let mut connection: AsyncConnectionWrapper<AsyncPgConnection> = connection.into();
    let applied = connection
        .run_pending_migrations(Borrowed(migrations))
        .map_err(|error| MigrateError::Failed(error.to_string()))?;
    let versions: Vec<String> = applied.iter().map(ToString::to_string).collect();
    if !versions.is_empty() {
        info!(?versions, "database migrated");
    }
    Ok(())
}

/// Like [`migrate`], but waits for a database that does not answer yet, until `stop` is cancelled.
///
/// # Errors
/// When a migration fails, the settings make no sense, or `stop` was cancelled first.
pub async fn migrate_when_available(
    settings: &DatabaseSettings,
    migrations: &'static EmbeddedMigrations,
    stop: &CancellationToken,
) -> Result<(), MigrateError> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        match migrate(settings, migrations).await {
            Err(MigrateError::Unreachable(problem)) => {
                warn!(problem, "waiting for the database");
            }
            done => return done,
        }
        tokio::select! {
            () = stop.cancelled() => return Err(MigrateError::Interrupted),
            () = tokio::time::sleep(backoff.next_delay()) => {}
        }
    }
}
