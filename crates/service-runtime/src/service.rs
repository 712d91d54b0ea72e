//! The life of a service process: command line, settings, telemetry, start, signals, drain, exit code.
//!
//! Everything runs on one multi-threaded tokio runtime; HTTP servers bring their own worker threads
//! (see [`crate::http`]).

mod command_line;
mod context;
mod healthcheck;
mod lifetime;
mod settings;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use diesel_migrations::EmbeddedMigrations;
use serde::de::DeserializeOwned;

use crate::settings::{Layers, SettingsError, load};
use crate::telemetry;
use command_line::{Action, Invocation};

pub use context::ServiceContext;
pub use settings::{RuntimeSettings, ServiceSettings};

/// Everything went well.
pub const EXIT_OK: u8 = 0;
/// Bad command line or settings; starting again will not help.
pub const EXIT_BAD_SETTINGS: u8 = 64;
/// Something broke.
pub const EXIT_FAILED: u8 = 70;

/// What a service says about itself.
#[derive(Clone, Copy)]
pub struct ServiceInfo {
    /// The name of the binary, also in logs, metrics and traces.
    pub name: &'static str,
    /// The version, usually `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// The default settings (YAML), which are also their manual.
    pub defaults: &'static str,
    /// The migrations of the service's database, if it has one.
    pub migrations: Option<&'static EmbeddedMigrations>,
}

/// Runs a service until it is asked to end: reads command line and settings, sets up telemetry, calls
/// `start`, waits for SIGTERM, SIGINT or the failure of a task, and drains. `start` sets everything
/// going, as tasks of the context, and returns.
///
/// Exit codes: 0 ended as asked, 64 bad command line or settings (one line on stderr), 70 failed.
pub fn run<S, F, Fut>(info: ServiceInfo, start: F) -> ExitCode
where
    S: ServiceSettings + DeserializeOwned,
    F: FnOnce(ServiceContext<S>) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let invocation = match Invocation::parse(&info, std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(code) => return ExitCode::from(code),
    };
    let settings = match load_settings::<S>(&info, &invocation) {
        Ok(settings) => settings,
        Err(error) => return complain(&info, EXIT_BAD_SETTINGS, &error),
    };
    match invocation.action {
        Action::CheckConfig => ExitCode::from(EXIT_OK),
        Action::Healthcheck => match healthcheck::ask(settings.http()) {
            Ok(()) => ExitCode::from(EXIT_OK),
            Err(error) => complain(&info, EXIT_FAILED, &error),
        },
        Action::Serve | Action::Migrate => operate(info, invocation, settings, start),
    }
}

fn operate<S, F, Fut>(info: ServiceInfo, invocation: Invocation, settings: S, start: F) -> ExitCode
where
    S: ServiceSettings + DeserializeOwned,
    F: FnOnce(ServiceContext<S>) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let guard = match telemetry::init(info.name, info.version, settings.telemetry()) {
        Ok(guard) => guard,
        Err(error) => return complain(&info, EXIT_BAD_SETTINGS, &format!("bad settings: {error}")),
    };
    let runtime = match lifetime::runtime(info.name, settings.runtime()) {
        Ok(runtime) => runtime,
        Err(error) => return complain(&info, EXIT_FAILED, &error),
    };
    let code = match invocation.action {
        Action::Migrate => runtime.block_on(lifetime::migrate(&info, &settings)),
        _ => runtime.block_on(lifetime::serve(info, invocation, settings, &guard, start)),
    };
    runtime.shutdown_timeout(lifetime::LAST_CALL);
    drop(guard);
    ExitCode::from(code)
}

fn load_settings<S: ServiceSettings + DeserializeOwned>(
    info: &ServiceInfo,
    invocation: &Invocation,
) -> Result<S, SettingsError> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    let settings: S =
        load(Layers { defaults: info.defaults, file: invocation.config.as_deref(), environment })?;
    settings.validate()?;
    Ok(settings)
}

fn complain(info: &ServiceInfo, code: u8, problem: &dyn Display) -> ExitCode {
    // There is nobody left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}: {problem}", info.name);
    ExitCode::from(code)
}
