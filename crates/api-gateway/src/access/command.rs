//! `api-gateway keys ...`: keys without a running service, for the first one and for whoever locked himself out.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use protocol::ProjectId;
use service_runtime::clock::{Clock, SystemClock};
use service_runtime::database;
use service_runtime::service::{EXIT_BAD_SETTINGS, EXIT_FAILED, EXIT_OK, ServiceSettings};
use service_runtime::settings::{Layers, load};
use uuid::Uuid;

use super::caller::{KeyId, Scope};
use super::keyring::{KeyRing, NewKey, StoredKey};
use crate::settings::{DEFAULTS, Settings};

/// Keys that a list shows at most.
const MOST_LISTED: u32 = 10_000;
/// Who made a key that was made here.
const COMMAND_LINE: &str = "command line";

#[derive(Parser)]
#[command(name = "api-gateway keys", bin_name = "api-gateway keys", about = "API keys")]
struct CommandLine {
    /// Settings file (YAML, or TOML when its name ends in .toml)
    #[arg(long, value_name = "FILE", env = "DATS_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key and print it; it is shown only now
    Create {
        /// What people call it
        #[arg(long)]
        name: String,
        /// What it is good for: read, write, admin
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
        /// The only projects it may see; all when absent
        #[arg(long, value_delimiter = ',')]
        projects: Vec<ProjectId>,
        /// Days after which it is useless; never when absent
        #[arg(long)]
        expires_in_days: Option<u16>,
    },
    /// Show all keys, newest first
    List,
    /// Make a key useless
    Revoke {
        /// The key's id
        key_id: Uuid,
    },
}

/// Runs the command if that is what the process was asked for; its exit code.
#[must_use]
pub fn run_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1).peekable();
    if arguments.peek().is_none_or(|first| first != "keys") {
        return None;
    }
    let code = match CommandLine::try_parse_from(arguments) {
        Ok(line) => match run(line) {
            Ok(()) => EXIT_OK,
            Err(error) => {
                // Nobody is left to tell when stderr is closed.
                let _ = writeln!(std::io::stderr(), "api-gateway keys: {error:#}");
                EXIT_FAILED
            }
        },
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() { EXIT_BAD_SETTINGS } else { EXIT_OK }
        }
    };
    Some(ExitCode::from(code))
}

fn run(line: CommandLine) -> anyhow::Result<()> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    let file = line.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let settings: Settings = load(Layers { defaults: DEFAULTS, file, environment })?;
    let storage = settings.storage().context("there is no database in the settings")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pool = database::connect(storage)?;
        let keys = KeyRing::new(pool, SystemClock::shared(), Duration::ZERO);
        act(&keys, line.command).await
    })
}

async fn act(keys: &KeyRing, command: KeysCommand) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match command {
        KeysCommand::Create { name, scopes, projects, expires_in_days } => {
            ensure!((1..=100).contains(&name.chars().count()), "a name has 1 to 100 characters");
            ensure!(
                projects.is_empty() || !scopes.contains(&Scope::Admin),
                "a key with the scope admin sees every project"
            );
            let expires_at =
                expires_in_days.map(|days| (SystemClock.now() + TimeDelta::days(days.into())).into());
            let projects = Some(projects).filter(|projects| !projects.is_empty());
            let created_by = COMMAND_LINE.to_owned();
            let new = NewKey { name, scopes, projects, expires_at, created_by };
            let (key, stored) = keys.create_key(&new, None).await?;
            writeln!(out, "{}", key.reveal())?;
            writeln!(std::io::stderr(), "made key {}; it is not shown again", stored.key_id)?;
        }
        KeysCommand::List => {
            for key in keys.list_keys(MOST_LISTED, 0).await?.keys {
                writeln!(out, "{}", line_of(&key))?;
            }
        }
        KeysCommand::Revoke { key_id } => {
            ensure!(keys.revoke_key(KeyId(key_id)).await?, "there is no key {key_id}");
        }
    }
    Ok(())
}

fn line_of(key: &StoredKey) -> String {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let projects = key.projects.as_ref().map_or_else(
        || "all projects".to_owned(),
        |ids| ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(","),
    );
    let state = match (key.revoked_at, key.expires_at) {
        (Some(time), _) => format!("revoked {time}"),
        (None, Some(time)) => format!("expires {time}"),
        (None, None) => "good".to_owned(),
    };
    format!("{}\t{}\t{}\t{projects}\t{state}", key.key_id, key.name, scopes.join(","))
}
