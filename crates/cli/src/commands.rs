//! The commands, one file each. A command asks the gateway, gives the answer, and says by its exit code how it went.

pub(crate) mod agents;
pub(crate) mod cancel;
pub(crate) mod checkpoint;
pub(crate) mod clear;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
pub(crate) mod failures;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod list;
mod pages;
pub(crate) mod pause;
pub(crate) mod project;
pub(crate) mod provenance;
mod queues;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod review;
pub(crate) mod rollback;
mod spend;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod taint;
mod task_view;
pub(crate) mod top;
mod watch;
pub(crate) mod why;
mod workers;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::arguments::{Arguments, Command};
use crate::client::Client;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;

/// The project that tasks belong to which name none.
const DEFAULT_PROJECT: &str = "default";

/// What a command works with.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) output: &'a Output,
    /// The project of the profile.
    project: Option<String>,
    /// When the command began; ages are told from here.
    pub(crate) now: DateTime<Utc>,
}

impl Session<'_> {
    /// The project that was named, else the profile's, else the default one.
    pub(crate) fn project(&self, named: Option<&str>) -> String {
        named.or(self.project.as_deref()).unwrap_or(DEFAULT_PROJECT).to_owned()
    }

    /// The project that was named, else the profile's.
    pub(crate) fn project_if_any(&self, named: Option<&str>) -> Option<String> {
        named.or(self.project.as_deref()).map(ToOwned::to_owned)
    }
}

/// Runs a command.
pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let global = arguments.global;
    let command = match arguments.command {
        Command::Completions(arguments) => return completions::run(&arguments, output),
        Command::Config(command) => return config::run(command, &global, output),
        command => command,
    };
    let config = Config::load(&global)?;
    let client = Client::new(&config, Duration::from_secs(global.timeout.max(1)))?;
    let session = Session { client, output, project: config.project, now: Utc::now() };
    with_gateway(command, &session).await
}

async fn with_gateway(command: Command, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        Command::Submit(arguments) => submit::run(arguments, session).await,
        Command::Status(arguments) => status::run(&arguments, session).await,
        Command::List(arguments) => list::run(&arguments, session).await,
        Command::Cancel(arguments) => cancel::run(&arguments, session).await,
        Command::Retry(arguments) => retry::run(&arguments, session).await,
        Command::History(arguments) => history::run(&arguments, session).await,
        Command::Why(arguments) => why::run(&arguments, session).await,
        Command::Release(arguments) => release::run(&arguments, session).await,
        Command::Review(command) => review::run(command, session).await,
        Command::Project(command) => project::run(command, session).await,
        Command::Agents(arguments) => agents::run(&arguments, session).await,
        Command::Workers => workers::run(session).await,
        Command::Queues => queues::run(session).await,
        Command::Failures(arguments) => failures::run(&arguments, session).await,
        Command::Provenance(command) => provenance::run(command, session).await,
        Command::Taint(arguments) => taint::run(&arguments, session).await,
        Command::Clear(arguments) => clear::run(&arguments, session).await,
        Command::Checkpoint(command) => checkpoint::run(command, session).await,
        Command::Rollback(arguments) => rollback::run(&arguments, session).await,
        Command::Dead(command) => dead::run(command, session).await,
        Command::Pause(arguments) => pause::run(&arguments, "pause", session).await,
        Command::Resume(arguments) => pause::run(&arguments, "resume", session).await,
        Command::Keys(command) => keys::run(command, session).await,
        Command::Top(arguments) => top::run(&arguments, session).await,
        // Done before there was a gateway to ask.
        Command::Completions(_) | Command::Config(_) => Ok(()),
    }
}
