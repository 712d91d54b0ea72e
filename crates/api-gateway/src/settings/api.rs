//! Section `api`: what requests may be like, and how long they may take.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use service_runtime::settings::SettingsError;

use super::check_positive;
use crate::http::Patience;

/// See the module.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// Most bytes of a body.
    pub max_body_bytes: usize,
    /// How long a client may take for the head of a request, in milliseconds.
    pub head_timeout_ms: u64,
    /// How long it may take for the body, in milliseconds.
    pub body_timeout_ms: u64,
    /// How long it may take until an answer begins, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long answers to requests with an idempotency key are kept, in hours.
    pub idempotency_hours: u64,
    /// How long such a request may be served before its server is taken for dead, in seconds.
    pub idempotency_lease_seconds: u64,
    /// Where to write the port that was bound.
    pub port_file: Option<PathBuf>,
}

impl ApiSettings {
    /// How long the edge waits.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        Patience {
            answer: Duration::from_millis(self.request_timeout_ms),
            body: Duration::from_millis(self.body_timeout_ms),
        }
    }

    /// How long a client may take for the head of a request.
    #[must_use]
    pub const fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms)
    }

    /// How long answers to requests with an idempotency key are kept.
    #[must_use]
    pub const fn idempotency_keep(&self) -> Duration {
        Duration::from_secs(self.idempotency_hours.saturating_mul(3600))
    }

    /// How long such a request may be served before its server is taken for dead.
    #[must_use]
    pub const fn idempotency_lease(&self) -> Duration {
        Duration::from_secs(self.idempotency_lease_seconds)
    }

    /// # Errors
    /// For the first value that makes no sense.
    pub fn validate(&self) -> Result<(), SettingsError> {
        check_positive(&[
            ("api.max_body_bytes", self.max_body_bytes as u64),
            ("api.head_timeout_ms", self.head_timeout_ms),
            ("api.body_timeout_ms", self.body_timeout_ms),
            ("api.request_timeout_ms", self.request_timeout_ms),
            ("api.idempotency_hours", self.idempotency_hours),
            ("api.idempotency_lease_seconds", self.idempotency_lease_seconds),
        ])
    }
}
