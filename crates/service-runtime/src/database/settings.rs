//! Section `storage`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::settings::Secret;

/// Section `storage`: the service's database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host:port/database`; several hosts are tried in order
    /// (`host1:port1,host2:port2`), `sslmode=require` asks for verified TLS.
    pub database_url: Secret,
    /// Connections at most.
    #[serde(default = "defaults::max_connections")]
    pub max_connections: usize,
    /// How long opening a connection, or waiting for a free one, may take, in milliseconds.
    #[serde(default = "defaults::connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// How long the server works on a statement at most, in milliseconds; 0 for no limit. A connection on which no answer
    /// has come ten seconds later is given up.
    #[serde(default = "defaults::statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// Certificate authorities (PEM) for TLS; those of the machine when not set.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether the service brings its tables up to date when it starts.
    #[serde(default = "defaults::migrate_on_start")]
    pub migrate_on_start: bool,
}

impl DatabaseSettings {
    /// The defaults, for the database at `database_url`.
    pub fn new(database_url: impl Into<Secret>) -> Self {
        Self {
            database_url: database_url.into(),
            max_connections: defaults::max_connections(),
            connect_timeout_ms: defaults::connect_timeout_ms(),
            statement_timeout_ms: defaults::statement_timeout_ms(),
            ca_file: None,
            migrate_on_start: defaults::migrate_on_start(),
        }
    }

    /// How long opening a connection, or waiting for a free one, may take.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

mod defaults {
    pub(super) fn max_connections() -> usize {
        16
    }

    pub(super) fn connect_timeout_ms() -> u64 {
        2_000
    }

    pub(super) fn statement_timeout_ms() -> u64 {
        30_000
    }

    pub(super) fn migrate_on_start() -> bool {
        true
    }
}
