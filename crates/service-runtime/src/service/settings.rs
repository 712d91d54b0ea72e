//! The settings that every service has.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use crate::database::DatabaseSettings;
use crate::http::HttpSettings;
use crate::settings::SettingsError;
use crate::telemetry::TelemetrySettings;

/// The root of a service's settings: how the runtime finds its own sections in it.
pub trait ServiceSettings: Send + Sync + 'static {
    /// Section `http`.
    fn http(&self) -> &HttpSettings;

    /// Section `telemetry`.
    fn telemetry(&self) -> &TelemetrySettings;

    /// Section `runtime`.
    fn runtime(&self) -> &RuntimeSettings;

    /// Section `storage`, in services that have a database.
    fn storage(&self) -> Option<&DatabaseSettings> {
        None
    }

    /// Checks what types cannot say, such as one limit being below another.
    ///
    /// # Errors
    /// [`SettingsError::invalid`] with the key that makes no sense.
    fn validate(&self) -> Result<(), SettingsError> {
        Ok(())
    }
}

/// Section `runtime`: threads and the way to the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeSettings {
    /// Threads of the asynchronous runtime; as many as there are cores when not set.
    pub worker_threads: Option<NonZeroUsize>,
    /// How long readiness says no before anything stops, so that load balancers notice, in seconds.
    pub drain_delay_seconds: u64,
    /// How long what is under way may take to finish, in seconds; 20 when not set.
    pub drain_seconds: Option<u64>,
}

impl RuntimeSettings {
    /// How long readiness says no before anything stops.
    #[must_use]
    pub fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay_seconds)
    }

    /// How long what is under way may take to finish.
    #[must_use]
    pub fn drain_limit(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.unwrap_or(20))
    }
}
