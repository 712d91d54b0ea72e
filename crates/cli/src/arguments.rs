//! What can be typed: options that every command has, and the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands as run;

const AFTER_HELP: &str = "What goes on: dats top, dats list. Why it waits or failed: dats why TASK, dats failures. \
    What it cost: dats status TASK.\nWhat it was built on: dats provenance lineage ID. What waits for you: dats review list.\n\n\
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 timeout, 5 unavailable.\n\
    The gateway and the key come from --api-url, DATS_API_URL and DATS_API_KEY, or from a profile in \
    ~/.config/dats/config.toml (see `dats config --help`).";

/// Hand in work, follow it, and see what it was built on.
#[derive(Debug, Parser)]
#[command(name = "dats", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArguments {
    /// Where the gateway is, for example http://127.0.0.1:8000 [env: DATS_API_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// File with the API key; better than --api-key, which other users can see in the process list
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// The API key itself [env: DATS_API_KEY]
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Profile of the configuration file to use [env: DATS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// How to answer
    #[arg(short, long, global = true, value_enum, value_name = "FORM", default_value = "table")]
    pub(crate) output: Form,
    /// The same as `--output json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Never use colour (also: the environment variable NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Longest time to wait for one answer of the gateway, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For programs: what the gateway said.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hand in a task
    Submit(run::submit::SubmitArguments),
    /// Show where a task is
    Status(run::status::StatusArguments),
    /// List tasks
    List(run::list::ListArguments),
    /// Cancel a task
    Cancel(run::cancel::CancelArguments),
    /// Try a failed or cancelled task again
    Retry(run::retry::RetryArguments),
    /// Show everything that happened to a task
    History(run::history::HistoryArguments),
    /// Say in plain words why a task is where it is
    Why(run::why::WhyArguments),
    /// Let a task go on that is held because of an input that was found wrong
    Release(run::release::ReleaseArguments),
    /// Answer what waits for a person's judgement
    #[command(subcommand)]
    Review(run::review::ReviewCommand),
    /// Look after projects
    #[command(subcommand)]
    Project(run::project::ProjectCommand),
    /// List agents
    Agents(run::agents::AgentsArguments),
    /// List workers
    Workers,
    /// List the queues that work waits in
    Queues,
    /// List the latest failures
    Failures(run::failures::FailuresArguments),
    /// Ask where artifacts came from, and move records in and out
    #[command(subcommand)]
    Provenance(run::provenance::ProvenanceCommand),
    /// Mark an artifact as wrong; everything built on it becomes suspect
    Taint(run::taint::TaintArguments),
    /// Take a suspicion back
    Clear(run::clear::ClearArguments),
    /// Make and list checkpoints
    #[command(subcommand)]
    Checkpoint(run::checkpoint::CheckpointCommand),
    /// Return to a checkpoint
    Rollback(run::rollback::RollbackArguments),
    /// Look after messages that could not be processed
    #[command(subcommand)]
    Dead(run::dead::DeadCommand),
    /// Release nothing new of a project or tier; what runs goes on
    Pause(run::pause::PauseArguments),
    /// Release work again
    Resume(run::pause::PauseArguments),
    /// Look after API keys
    #[command(subcommand)]
    Keys(run::keys::KeysCommand),
    /// Watch everything, live
    Top(run::top::TopArguments),
    /// Write a completion script for a shell
    Completions(run::completions::CompletionsArguments),
    /// Show and change the configuration file
    #[command(subcommand)]
    Config(run::config::ConfigCommand),
}

#[cfg(test)]
mod reference;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
