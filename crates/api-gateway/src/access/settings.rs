//! Section `auth`.

use std::time::Duration;

use serde::Deserialize;
use service_runtime::settings::SettingsError;

/// See the module.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Whether callers need a key.
    pub enabled: bool,
    /// Whether anybody may connect from anywhere.
    pub allow_anonymous: bool,
    /// How long a key counts as it was last read, in seconds.
    pub cache_seconds: u64,
    /// Whether changing calls are recorded.
    pub audit: bool,
    /// How many requests a caller may make.
    pub rate_limit: RateLimitSettings,
}

/// Section `auth.rate_limit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Requests per second and caller; no limit when not set.
    pub requests_per_second: Option<f64>,
    /// Requests that a caller may make at once after a rest.
    pub burst: u32,
}

impl AuthSettings {
    /// How long a key counts as it was last read.
    pub(super) const fn cache(&self) -> Duration {
        Duration::from_secs(self.cache_seconds)
    }

    /// # Errors
    /// For the first value that makes no sense.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let limit = &self.rate_limit;
        if limit.requests_per_second.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(SettingsError::invalid("auth.rate_limit.requests_per_second", "must be above 0"));
        }
        if limit.burst == 0 {
            return Err(SettingsError::invalid("auth.rate_limit.burst", "must be above 0"));
        }
        Ok(())
    }
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            allow_anonymous: false,
            cache_seconds: 5,
            audit: true,
            rate_limit: RateLimitSettings { requests_per_second: None, burst: 50 },
        }
    }
}
