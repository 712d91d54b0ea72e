//! The command line, the same for every service.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{EXIT_BAD_SETTINGS, EXIT_OK, ServiceInfo};

/// What the process was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Serve,
    CheckConfig,
    Healthcheck,
    Migrate,
}

/// The command line, understood.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) action: Action,
    pub(super) config: Option<PathBuf>,
}

#[derive(Parser)]
struct CommandLine {
    /// Settings file (YAML, or TOML when its name ends in .toml)
    #[arg(long, value_name = "FILE", env = "DATS_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Read the settings, tell whether they are good, and end
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Ask the service that runs with these settings whether it is alive; exit code 0 if so
    Healthcheck,
    /// Bring the tables of the service's database up to date and end
    Migrate,
}

impl Invocation {
    /// Reads the command line. `Err` holds the exit code when there is nothing more to do: help and
    /// version were printed, or a complaint was.
    pub(super) fn parse(
        info: &ServiceInfo,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, u8> {
        let command = CommandLine::command().name(info.name).bin_name(info.name).version(info.version);
        let parsed = command
            .try_get_matches_from(arguments)
            .and_then(|matches| CommandLine::from_arg_matches(&matches));
        let line = parsed.map_err(|error| {
            // Nobody left to tell when the stream is closed.
            let _ = error.print();
            if error.use_stderr() { EXIT_BAD_SETTINGS } else { EXIT_OK }
        })?;
        let action = match line.command {
            _ if line.check_config => Action::CheckConfig,
            Some(Subcommands::Healthcheck) => Action::Healthcheck,
            Some(Subcommands::Migrate) => Action::Migrate,
            None => Action::Serve,
        };
        Ok(Self { action, config: line.config.filter(|path| !path.as_os_str().is_empty()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Invocation, u8> {
        let info = ServiceInfo { name: "probe", version: "1.2.3", defaults: "", migrations: None };
        Invocation::parse(
            &info,
            std::iter::once("probe").chain(arguments.iter().copied()).map(OsString::from),
        )
    }

    #[test]
    fn actions_and_the_file_are_understood_in_any_order() {
        for (arguments, action) in [
            (&["--config", "/a.yaml"][..], Action::Serve),
            (&["--config", "/a.yaml", "--check-config"], Action::CheckConfig),
            (&["healthcheck", "--config", "/a.yaml"], Action::Healthcheck),
            (&["--config", "/a.yaml", "migrate"], Action::Migrate),
        ] {
            let invocation = parse(arguments).unwrap();
            assert_eq!(
                (invocation.action, invocation.config),
                (action, Some("/a.yaml".into())),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn nonsense_is_a_usage_error_and_a_version_is_not() {
        assert_eq!(parse(&["--colour"]).unwrap_err(), EXIT_BAD_SETTINGS);
        assert_eq!(parse(&["--version"]).unwrap_err(), EXIT_OK);
        assert_eq!(parse(&["--help"]).unwrap_err(), EXIT_OK);
    }
}
