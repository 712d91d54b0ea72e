//! The service's settings. `defaults.yaml` is their manual.

mod agents;
mod api;
mod task_management;

use std::net::IpAddr;
use std::time::Duration;

use messaging::EventSettings;
use serde::Deserialize;
use service_runtime::database::DatabaseSettings;
use service_runtime::http::HttpSettings;
use service_runtime::service::{RuntimeSettings, ServiceSettings};
use service_runtime::settings::SettingsError;
use service_runtime::telemetry::TelemetrySettings;

pub use crate::access::{AuthSettings, RateLimitSettings};
pub use crate::live::LiveSettings;
pub use crate::webhooks::WebhookSettings;
pub use agents::AgentsSettings;
pub use api::ApiSettings;
pub use task_management::{PhaseLimitSettings, RetrySettings, SubmissionSettings, TaskManagementSettings};

/// The defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../defaults.yaml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the service listens.
    pub http: HttpSettings,
    /// What requests may be like.
    pub api: ApiSettings,
    /// Who may do what.
    pub auth: AuthSettings,
    /// The database.
    pub storage: DatabaseSettings,
    /// The broker and the way events take.
    pub events: EventSettings,
    /// The life of tasks.
    pub task_management: TaskManagementSettings,
    /// Agents and the work that goes to them.
    pub agents: AgentsSettings,
    /// Workers.
    pub workers: WorkersSettings,
    /// Watching tasks.
    pub live: LiveSettings,
    /// Telling others of status changes.
    pub webhooks: WebhookSettings,
    /// How often to look without being called.
    pub reconcilers: ReconcilerSettings,
    /// Asking the provenance-store.
    pub provenance: ProvenanceSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// Threads and the way to the end.
    pub runtime: RuntimeSettings,
    /// Logs, metrics, traces.
    pub telemetry: TelemetrySettings,
}

/// Section `reconcilers`: intervals in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerSettings {
    /// Timers of tasks.
    pub timers_ms: u64,
    /// Free slots.
    pub admission_ms: u64,
    /// Tasks that wait for others.
    pub dependencies_ms: u64,
    /// Tasks that are held because of a tainted input.
    pub inputs_ms: u64,
    /// Tasks that a rollback runs again.
    pub rollbacks_ms: u64,
    /// Split tasks and their subtasks.
    pub family_ms: u64,
    /// Agents that fell silent.
    pub agents_ms: u64,
    /// The numbers behind estimates.
    pub forecast_ms: u64,
    /// The list of workers.
    pub workers_ms: u64,
    /// Measuring the broker's queues.
    pub queues_ms: u64,
    /// From one project whose counters are proved to the next.
    pub counters_ms: u64,
    /// Webhook deliveries.
    pub webhooks_ms: u64,
    /// What may be forgotten.
    pub retention_ms: u64,
}

/// Section `workers`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersSettings {
    /// How long a worker counts as there after its last event, in seconds.
    pub offline_seconds: u64,
    /// How long a worker is listed after its last event, in seconds.
    pub forget_after_seconds: u64,
}

/// Section `provenance`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceSettings {
    /// How long a request waits for the provenance-store, in milliseconds.
    pub query_timeout_ms: u64,
    /// How long an import waits for the outcome of a batch, in milliseconds.
    pub import_timeout_ms: u64,
    /// Longest line of an import, in bytes.
    pub max_import_line_bytes: usize,
}

impl ProvenanceSettings {
    /// How long a request waits for the provenance-store.
    #[must_use]
    pub const fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.query_timeout_ms)
    }

    /// How long an import waits for the outcome of a batch.
    #[must_use]
    pub const fn import_timeout(&self) -> Duration {
        Duration::from_millis(self.import_timeout_ms)
    }
}

/// Section `retention`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// How long ids of applied events are remembered, in days.
    pub inbox_days: u32,
    /// How long the history of a task that has ended is kept, in days.
    pub history_days: u32,
    /// How long entries of the audit log are kept, in days.
    pub audit_days: u32,
}

impl ServiceSettings for Settings {
    fn http(&self) -> &HttpSettings {
        &self.http
    }

    fn telemetry(&self) -> &TelemetrySettings {
        &self.telemetry
    }

    fn runtime(&self) -> &RuntimeSettings {
        &self.runtime
    }

    fn storage(&self) -> Option<&DatabaseSettings> {
        Some(&self.storage)
    }

    fn validate(&self) -> Result<(), SettingsError> {
        if !self.auth.enabled && !self.auth.allow_anonymous && !is_loopback(&self.http.host) {
            let problem = format!(
                "{} can be reached from outside and no keys are asked for; set auth.enabled = true, or \
                 auth.allow_anonymous = true if that is meant",
                self.http.host
            );
            return Err(SettingsError::invalid("http.host", problem));
        }
        let intervals = &self.reconcilers;
        let positive = [
            ("reconcilers.timers_ms", intervals.timers_ms),
            ("reconcilers.admission_ms", intervals.admission_ms),
            ("reconcilers.dependencies_ms", intervals.dependencies_ms),
            ("reconcilers.inputs_ms", intervals.inputs_ms),
            ("reconcilers.rollbacks_ms", intervals.rollbacks_ms),
            ("reconcilers.family_ms", intervals.family_ms),
            ("reconcilers.agents_ms", intervals.agents_ms),
            ("reconcilers.forecast_ms", intervals.forecast_ms),
            ("reconcilers.workers_ms", intervals.workers_ms),
            ("reconcilers.queues_ms", intervals.queues_ms),
            ("workers.offline_seconds", self.workers.offline_seconds),
            ("workers.forget_after_seconds", self.workers.forget_after_seconds),
            ("reconcilers.counters_ms", intervals.counters_ms),
            ("reconcilers.webhooks_ms", intervals.webhooks_ms),
            ("reconcilers.retention_ms", intervals.retention_ms),
            ("provenance.query_timeout_ms", self.provenance.query_timeout_ms),
            ("provenance.import_timeout_ms", self.provenance.import_timeout_ms),
            ("provenance.max_import_line_bytes", self.provenance.max_import_line_bytes as u64),
            ("retention.inbox_days", u64::from(self.retention.inbox_days)),
            ("retention.history_days", u64::from(self.retention.history_days)),
            ("retention.audit_days", u64::from(self.retention.audit_days)),
        ];
        check_positive(&positive)?;
        self.events.validate()?;
        self.api.validate()?;
        self.auth.validate()?;
        self.agents.validate()?;
        self.live.validate()?;
        self.webhooks.validate()?;
        self.task_management.validate()
    }
}

/// Refuses the first limit that is nothing.
fn check_positive(limits: &[(&str, u64)]) -> Result<(), SettingsError> {
    match limits.iter().find(|(_, limit)| *limit == 0) {
        Some((key, _)) => Err(SettingsError::invalid(key, "must be above 0")),
        None => Ok(()),
    }
}

/// Names other than `localhost` may mean anything, so they count as reachable from outside.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
