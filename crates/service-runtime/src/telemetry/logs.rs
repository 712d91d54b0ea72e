//! Log lines on stderr, and the level that can be changed while the service runs.

use std::io::{self, IsTerminal};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::Subscriber;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt, reload};

use super::TelemetryError;
use super::json_lines::JsonLines;
use super::settings::{LogFormat, TelemetrySettings};

/// Libraries whose inner life is noise unless somebody asks for it by name. What amqprs calls errors are connections
/// that end, which `messaging` logs once and in its own words.
const QUIET: &str = "actix_server=warn,actix_http=warn,amqprs=off,hyper=warn,hyper_util=warn,mio=warn,\
     opentelemetry=off,opentelemetry_sdk=warn,opentelemetry_otlp=off,reqwest=warn,rustls=warn,tokio_postgres=warn";

type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Changes the log level of the running service. Clones are the same handle.
#[derive(Clone)]
pub struct LogLevel {
    change: Arc<dyn Fn(EnvFilter) -> Result<(), TelemetryError> + Send + Sync>,
    current: Arc<RwLock<String>>,
}

impl LogLevel {
    /// Sets the level, in the same words as the setting `telemetry.log_level`.
    ///
    /// # Errors
    /// When the words make no sense; the level stays as it was.
    pub fn set(&self, level: &str) -> Result<(), TelemetryError> {
        (self.change)(filter(level)?)?;
        level.trim().clone_into(&mut self.current.write().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// The level as it was last set.
    #[must_use]
    pub fn current(&self) -> String {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The layer that writes log lines, and the handle that changes its level.
pub(super) fn layer<S>(
    service: &'static str,
    settings: &TelemetrySettings,
) -> Result<(BoxedLayer<S>, LogLevel), TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let (filter, handle) = reload::Layer::new(filter(&settings.log_level)?);
    let layer: BoxedLayer<S> = match settings.log_format {
        LogFormat::Text => fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .compact()
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(io::stderr)
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines { service })
            .with_filter(filter)
            .boxed(),
    };
    let change =
        move |filter| handle.reload(filter).map_err(|error| TelemetryError::LogLevel(error.to_string()));
    let current = Arc::new(RwLock::new(settings.log_level.trim().to_owned()));
    Ok((layer, LogLevel { change: Arc::new(change), current }))
}

/// A bare level is for our code and quiets the libraries; directives are taken word for word.
fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let level = level.trim();
    let is_bare = !level.contains(['=', ',']);
    if is_bare && (level.is_empty() || level.parse::<tracing::metadata::LevelFilter>().is_err()) {
        return Err(TelemetryError::LogLevel(format!(
            "'{level}' is not a level (error, warn, info, debug, trace, off) nor a list of target=level"
        )));
    }
    let directives = match level.to_ascii_lowercase().as_str() {
        "off" => "off".to_owned(),
        quiet @ ("error" | "warn") => format!("{quiet},amqprs=off"),
        _ if is_bare => format!("{},{QUIET}", level.to_ascii_lowercase()),
        _ => level.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|error| TelemetryError::LogLevel(format!("'{level}': {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_understood() {
        for level in ["error", "WARN", "info", "debug", "trace", "off", "info,messaging=debug", " info "] {
            assert!(filter(level).is_ok(), "{level}");
        }
    }

    #[test]
    fn the_broker_library_is_heard_only_when_it_is_asked_for() {
        for level in ["error", "warn", "info", "debug"] {
            assert!(filter(level).unwrap().to_string().contains("amqprs=off"), "{level}");
        }
        assert_eq!(filter("info,amqprs=debug").unwrap().to_string(), "amqprs=debug,info");
    }

    #[test]
    fn nonsense_is_told() {
        for level in ["loud", "", "info,=", "messaging=loud"] {
            assert!(filter(level).is_err(), "{level}");
        }
    }
}
