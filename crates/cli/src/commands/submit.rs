//! `dats submit`: hands in a task, and waits for it if asked.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use super::Session;
use super::watch::{Told, conclude, follow};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats submit`
#[derive(Debug, Args)]
pub(crate) struct SubmitArguments {
    /// What is to be done; `-` or nothing reads it from standard input
    text: Option<String>,
    /// Read it from this file
    #[arg(short, long, conflicts_with = "text")]
    file: Option<PathBuf>,
    /// The project; unknown ones are made
    #[arg(short, long)]
    project: Option<String>,
    /// low, normal, high or critical
    #[arg(long)]
    priority: Option<String>,
    /// autonomous or collaborative
    #[arg(long)]
    mode: Option<String>,
    /// Pin the tier: tiny, small, large, frontier
    #[arg(long)]
    tier: Option<String>,
    /// Pin the domain, for example code-general
    #[arg(long)]
    domain: Option<String>,
    /// How the output is judged
    #[arg(long)]
    qa_profile: Option<String>,
    /// Time of one attempt, in seconds
    #[arg(long, value_name = "SECONDS")]
    attempt_timeout: Option<u32>,
    /// Attempts before the task fails
    #[arg(long)]
    max_attempts: Option<u32>,
    /// Let it be split into subtasks
    #[arg(long)]
    decompose: bool,
    /// A task that must be completed first; may be repeated
    #[arg(long = "after", value_name = "TASK")]
    depends_on: Vec<String>,
    /// An artifact that it uses; may be repeated
    #[arg(long = "input", value_name = "ARTIFACT")]
    inputs: Vec<String>,
    /// Do not begin before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// A tag to find it by; may be repeated
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// Wait until it has ended; exit 1 if it failed
    #[arg(long)]
    wait: bool,
    /// Wait and tell every change
    #[arg(long)]
    watch: bool,
    /// Longest time to wait, in seconds; exit 4 after it
    #[arg(long, value_name = "SECONDS")]
    wait_timeout: Option<u64>,
}

/// Hands in a task.
pub(super) async fn run(arguments: SubmitArguments, session: &Session<'_>) -> Result<(), Failure> {
    let description = description(&arguments)?;
    let body = body(&arguments, &description, session);
    let task = session.client.post("/tasks", &body).await?;
    let task_id = task.text("task_id").to_owned();
    if !arguments.wait && !arguments.watch {
        return session.output.answer(&task, || task_id);
    }
    if !session.output.is_json() {
        session.output.note(&format!("task {task_id}"));
    }
    let told = if arguments.watch { Told::EachChange } else { Told::Nothing };
    let within = arguments.wait_timeout.map(Duration::from_secs);
    let end = follow(&task_id, told, within, session).await?;
    if told == Told::Nothing {
        let task = session.client.get(&format!("/tasks/{}", in_path(&task_id)), &[]).await?;
        session.output.answer(&task, || super::task_view::task(&task, "", session))?;
    }
    conclude(&end)
}

fn description(arguments: &SubmitArguments) -> Result<String, Failure> {
    let text = match (&arguments.text, &arguments.file) {
        (_, Some(file)) => std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?,
        (Some(text), None) if text != "-" => text.clone(),
        (given, None) => {
            if given.is_none() && std::io::stdin().is_terminal() {
                return Err(Failure::usage("what is to be done?").hint(
                    "dats submit \"Write a function that ...\", or --file FILE, or text on standard input.",
                ));
            }
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("the description is empty"));
    }
    Ok(text)
}

fn body(arguments: &SubmitArguments, description: &str, session: &Session<'_>) -> Value {
    let mut options = Map::new();
    let mut option = |name: &str, value: Option<Value>| {
        options.extend(value.map(|value| (name.to_owned(), value)));
    };
    option("decompose", arguments.decompose.then_some(Value::Bool(true)));
    option("qa_profile", arguments.qa_profile.clone().map(Value::from));
    option("tier", arguments.tier.clone().map(Value::from));
    option("domain", arguments.domain.clone().map(Value::from));
    option("timeout_seconds", arguments.attempt_timeout.map(Value::from));
    option("max_attempts", arguments.max_attempts.map(Value::from));
    let inputs: Vec<Value> =
        arguments.inputs.iter().map(|id| json!({ "artifact_id": id, "relationship": "consumed" })).collect();
    let some = |list: Vec<Value>| (!list.is_empty()).then_some(Value::Array(list));
    let texts = |list: &[String]| some(list.iter().cloned().map(Value::from).collect());
    let members = [
        ("description", Some(Value::from(description))),
        ("project_id", Some(Value::from(session.project(arguments.project.as_deref())))),
        ("priority", arguments.priority.clone().map(Value::from)),
        ("mode", arguments.mode.clone().map(Value::from)),
        ("options", (!options.is_empty()).then_some(Value::Object(options))),
        ("depends_on", texts(&arguments.depends_on)),
        ("inputs", some(inputs)),
        ("not_before", arguments.not_before.clone().map(Value::from)),
        ("metadata", texts(&arguments.tags).map(|tags| json!({ "tags": tags }))),
    ];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect::<Map<_, _>>()
        .into()
}
