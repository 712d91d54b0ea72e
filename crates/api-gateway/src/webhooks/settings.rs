//! Section `webhooks` of the settings.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use service_runtime::settings::SettingsError;

/// Telling others of status changes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether receivers may be in private networks or on this machine.
    pub allow_private_addresses: bool,
    /// Webhooks that a project may have.
    pub max_per_project: u32,
    /// How long a receiver may take to answer, in milliseconds.
    pub timeout_ms: u64,
    /// Deliveries under way at the same time.
    pub max_in_flight: usize,
    /// The same to one webhook, so that a slow receiver holds up nobody else.
    pub max_in_flight_per_webhook: usize,
    /// Wait after the first failure, in milliseconds.
    pub retry_initial_ms: u64,
    /// What the wait is multiplied with after each further failure.
    pub retry_factor: f64,
    /// Longest wait, in milliseconds.
    pub retry_cap_ms: u64,
    /// How long a delivery is tried, in seconds.
    pub give_up_after_seconds: u32,
    /// How long a webhook may fail without a success before it is disabled, in seconds.
    pub disable_after_seconds: u32,
}

impl WebhookSettings {
    /// How long a receiver may take to answer.
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// How long a delivery is tried.
    pub(super) fn give_up_after(&self) -> TimeDelta {
        TimeDelta::seconds(self.give_up_after_seconds.into())
    }

    /// How long a webhook may fail before it is disabled.
    pub(super) fn disable_after(&self) -> TimeDelta {
        TimeDelta::seconds(self.disable_after_seconds.into())
    }

    /// Finds what types cannot express.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let limits = [
            ("webhooks.max_per_project", u64::from(self.max_per_project)),
            ("webhooks.timeout_ms", self.timeout_ms),
            ("webhooks.max_in_flight", self.max_in_flight as u64),
            ("webhooks.max_in_flight_per_webhook", self.max_in_flight_per_webhook as u64),
            ("webhooks.retry_initial_ms", self.retry_initial_ms),
            ("webhooks.retry_cap_ms", self.retry_cap_ms),
            ("webhooks.give_up_after_seconds", u64::from(self.give_up_after_seconds)),
            ("webhooks.disable_after_seconds", u64::from(self.disable_after_seconds)),
        ];
        if let Some((key, _)) = limits.iter().find(|(_, limit)| *limit == 0) {
            return Err(SettingsError::invalid(key, "must be above 0"));
        }
        if !(1.0..=10.0).contains(&self.retry_factor) {
            return Err(SettingsError::invalid("webhooks.retry_factor", "must be between 1 and 10"));
        }
        Ok(())
    }
}
