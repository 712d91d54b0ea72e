//! Section `telemetry`.

use serde::Deserialize;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// One JSON object per line, for log collectors.
    Json,
}

/// Section `telemetry`: what the service tells about itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// `error`, `warn`, `info`, `debug` or `trace`; or directives such as `info,messaging=debug`.
    pub log_level: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The base URL of an OTLP/HTTP collector (`http://collector:4318`); no traces leave without one.
    pub otlp_endpoint: Option<String>,
    /// The share of new traces that is exported, from 0 to 1. Traces begun elsewhere follow their origin.
    pub trace_sample_ratio: f64,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log_level: "info".to_owned(),
            log_format: LogFormat::Text,
            otlp_endpoint: None,
            trace_sample_ratio: 1.0,
        }
    }
}
