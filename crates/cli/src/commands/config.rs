//! `dats config`: the configuration file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::arguments::GlobalArguments;
use crate::config::file::{ConfigFile, read_key};
use crate::config::{Config, path};
use crate::failure::Failure;
use crate::output::{Cell, Output, Paint, Table};

/// `dats config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say where the file is
    Path,
    /// Show the profiles, and which gateway would be asked now
    Show,
    /// Make or change a profile
    Set(SetArguments),
    /// Choose the profile that is used from now on
    Use {
        /// Name of a profile
        name: String,
    },
}

/// `dats config set`
#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    /// Name of the profile
    name: String,
    /// Where its gateway is
    #[arg(long)]
    url: Option<String>,
    /// File that holds its key; the key itself is not copied
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Ask for the key on standard input and keep it in the file
    #[arg(long, conflicts_with = "key_file")]
    key_from_stdin: bool,
    /// The project of commands that do not name one
    #[arg(long)]
    project: Option<String>,
}

/// Runs `dats config`.
pub(super) fn run(command: ConfigCommand, global: &GlobalArguments, output: &Output) -> Result<(), Failure> {
    let path = path().ok_or_else(|| {
        Failure::usage("there is no place for a configuration file").hint("Set HOME or XDG_CONFIG_HOME.")
    })?;
    let mut file = ConfigFile::read(&path)?;
    match command {
        ConfigCommand::Path => output.line(&path.display().to_string()),
        ConfigCommand::Show => show(&file, &Config::load(global)?, output),
        ConfigCommand::Set(arguments) => {
            let name = arguments.name.clone();
            set(&mut file, arguments)?;
            file.write(&path)?;
            let used = if file.profile.as_ref() == Some(&name) { "" } else { "; dats config use chooses it" };
            output.note(&format!("profile {name} is kept in {}{used}", path.display()));
            Ok(())
        }
        ConfigCommand::Use { name } => {
            file.profile(Some(&name))?;
            output.note(&format!("profile {name} is used from now on"));
            file.profile = Some(name);
            file.write(&path)
        }
    }
}

fn set(file: &mut ConfigFile, arguments: SetArguments) -> Result<(), Failure> {
    let profile = file.profiles.entry(arguments.name.clone()).or_default();
    profile.api_url = arguments.url.or(profile.api_url.take());
    profile.project = arguments.project.or(profile.project.take());
    if let Some(key_file) = arguments.key_file {
        read_key(&key_file)?;
        profile.api_key_file = Some(key_file);
        profile.api_key = None;
    }
    if arguments.key_from_stdin {
        let mut key = String::new();
        std::io::stdin().read_line(&mut key).map_err(|error| Failure::usage(format!("no key: {error}")))?;
        profile.api_key = Some(key.trim().to_owned());
        profile.api_key_file = None;
    }
    file.profile.get_or_insert(arguments.name);
    Ok(())
}

/// Keys are never shown, only whether there is one.
fn show(file: &ConfigFile, now: &Config, output: &Output) -> Result<(), Failure> {
    let profiles: Vec<_> = file
        .profiles
        .iter()
        .map(|(name, profile)| {
            json!({
                "profile": name,
                "used": file.profile.as_ref() == Some(name),
                "api_url": profile.api_url,
                "has_key": profile.api_key.is_some() || profile.api_key_file.is_some(),
                "project": profile.project,
            })
        })
        .collect();
    let answer = json!({ "api_url": now.api_url, "has_key": now.api_key.is_some(), "profiles": profiles });
    output.answer(&answer, || {
        let mut table = Table::new(["profile", "gateway", "key", "project"]);
        for (name, profile) in &file.profiles {
            let used = file.profile.as_ref() == Some(name);
            let has_key = profile.api_key.is_some() || profile.api_key_file.is_some();
            table.row([
                Cell::painted(name, if used { Paint::Good } else { Paint::Plain }),
                profile.api_url.clone().unwrap_or_default().into(),
                if has_key { "yes" } else { "" }.into(),
                profile.project.clone().unwrap_or_default().into(),
            ]);
        }
        let key = if now.api_key.is_some() { "with a key" } else { "without a key" };
        let asked = format!("now asked: {} {key}\n", now.api_url);
        if table.is_empty() { asked } else { output.table(&table) + "\n" + &asked }
    })
}
