//! Section `live` of the settings.

use std::time::Duration;

use serde::Deserialize;
use service_runtime::settings::SettingsError;

/// Watching tasks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSettings {
    /// Origins of web pages that may open a WebSocket besides our own; `*` for any.
    pub allowed_origins: Vec<String>,
    /// Most subscribers of this process.
    pub max_subscribers: usize,
    /// Updates that may wait for one subscriber before it counts as too slow.
    pub queue: usize,
    /// How often a WebSocket's peer is asked whether it is there, in seconds.
    pub ping_seconds: u64,
    /// How often the watched tasks are read again, in milliseconds.
    pub resync_ms: u64,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            max_subscribers: 10_000,
            queue: 256,
            ping_seconds: 20,
            resync_ms: 5_000,
        }
    }
}

impl LiveSettings {
    pub(super) const fn resync(&self) -> Duration {
        Duration::from_millis(self.resync_ms)
    }

    /// # Errors
    /// Names the first limit that is nothing.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let limits = [
            ("live.max_subscribers", self.max_subscribers as u64),
            ("live.queue", self.queue as u64),
            ("live.ping_seconds", self.ping_seconds),
            ("live.resync_ms", self.resync_ms),
        ];
        match limits.iter().find(|(_, limit)| *limit == 0) {
            Some((key, _)) => Err(SettingsError::invalid(key, "must be above 0")),
            None => Ok(()),
        }
    }
}
