//! Sends spans to an OTLP collector. One that is away costs a warning, and another line when it is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::{info, warn};

use super::TelemetryError;

/// How long one export may take.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);
const TRACES_PATH: &str = "/v1/traces";

/// An exporter to the collector at `endpoint`, the base URL without the path for traces.
pub(super) fn otlp(endpoint: &str) -> Result<PatientExporter, TelemetryError> {
    let base = endpoint.trim_end_matches('/').trim_end_matches(TRACES_PATH);
    if !(base.starts_with("http://") || base.starts_with("https://")) {
        return Err(TelemetryError::Exporter("must be an http:// or https:// URL".to_owned()));
    }
    let inner = OtlpExporter::builder()
        .with_http()
        .with_endpoint(format!("{base}{TRACES_PATH}"))
        .with_timeout(EXPORT_LIMIT)
        .build()
        .map_err(|error| TelemetryError::Exporter(error.to_string()))?;
    Ok(PatientExporter { inner, is_away: AtomicBool::new(false) })
}

/// Drops the spans that cannot be delivered, and says so once per outage.
#[derive(Debug)]
pub(super) struct PatientExporter {
    inner: OtlpExporter,
    is_away: AtomicBool,
}

impl SpanExporter for PatientExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self.inner.export(batch).await {
            Ok(()) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    info!("the trace collector answers again");
                }
            }
            Err(error) => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    warn!(%error, "the trace collector does not take our spans; they are dropped until it does");
                }
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
