//! Logging of the stand-in programs: text on stderr, or in a file when the terminal is taken.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Logs to stderr at the level of `LOG_LEVEL`, `info` when unset or not understood.
pub fn to_stderr() {
    tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).init();
}

/// Logs to the file at `path`, which is created anew.
///
/// # Errors
/// When the file cannot be created.
pub fn to_file(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write the log {}", path.display()))?;
    tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false).with_writer(Mutex::new(file)).init();
    Ok(())
}

/// amqprs tells every frame at `info`, which would drown the rest.
fn filter() -> EnvFilter {
    let level = std::env::var("LOG_LEVEL").unwrap_or_default();
    EnvFilter::try_new(format!("{level},amqprs=error"))
        .unwrap_or_else(|_| EnvFilter::new("info,amqprs=error"))
}
