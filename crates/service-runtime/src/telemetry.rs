//! Logs, traces and metrics. Logs go to stderr, for people or as JSON lines; traces carry W3C
//! context always and leave the process only when a collector is set; metrics are rendered on request.

mod exporter;
mod json_lines;
mod logs;
mod metrics;
mod process;
mod settings;
mod trace_ids;
mod traces;

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use logs::LogLevel;
pub use metrics::MetricsHandle;
pub use settings::{LogFormat, TelemetrySettings};
pub use traces::{current_trace_id, current_traceparent, rename, set_parent, set_trace_id};

/// How long the last spans may take to reach the collector when the service ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log level is neither a level nor a list of `target=level`.
    #[error("telemetry.log_level: {0}")]
    LogLevel(String),
    /// The exporter for traces cannot be made.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(String),
    /// This process has telemetry already.
    #[error("telemetry was set up twice")]
    Twice,
}

/// Keeps telemetry going; when dropped, the last spans are sent, for three seconds at most. Drop it
/// outside of asynchronous code: it waits.
pub struct TelemetryGuard {
    log_level: LogLevel,
    metrics: MetricsHandle,
    traces: SdkTracerProvider,
}

impl TelemetryGuard {
    /// The handle that changes the log level of the running service.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone()
    }

    /// The service's metrics.
    #[must_use]
    pub fn metrics(&self) -> MetricsHandle {
        self.metrics.clone()
    }
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        // A collector that is away has been warned about already.
        let _ = self.traces.shutdown_with_timeout(FLUSH_LIMIT);
    }
}

/// Sets up logs, traces and metrics for the whole process.
///
/// # Errors
/// When a setting makes no sense, or when it was called before in this process.
pub fn init(
    service: &'static str,
    version: &'static str,
    settings: &TelemetrySettings,
) -> Result<TelemetryGuard, TelemetryError> {
    let (log_layer, log_level) = logs::layer(service, settings)?;
    let traces = traces::provider(service, version, settings)?;
    let trace_layer = traces::layer(traces.tracer(service));
    tracing_subscriber::registry()
        .with(trace_layer)
        .with(log_layer)
        .try_init()
        .map_err(|_| TelemetryError::Twice)?;
    let metrics = metrics::install(service, version);
    Ok(TelemetryGuard { log_level, metrics, traces })
}
