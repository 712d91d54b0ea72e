//! `dats project`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::task_view::Facts;
use super::{Session, spend};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, clean, time};

/// `dats project`
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List projects
    List,
    /// Show how a project is doing
    Status {
        /// The project
        project: Option<String>,
    },
    /// Make a project
    Create(CreateArguments),
    /// Show or change how a project's tasks are treated
    Config(ConfigArguments),
}

/// `dats project create`
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// Its name; the id is made from it
    name: String,
    /// What it is about
    #[arg(long)]
    description: Option<String>,
    /// Where its sources are
    #[arg(long, value_name = "URL")]
    repo_url: Option<String>,
    #[command(flatten)]
    config: ProjectConfig,
}

/// `dats project config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// The project
    project: Option<String>,
    #[command(flatten)]
    config: ProjectConfig,
}

/// How a project's tasks are treated.
#[derive(Debug, Args)]
pub(crate) struct ProjectConfig {
    /// How outputs are judged
    #[arg(long)]
    qa_profile: Option<String>,
    /// autonomous or collaborative
    #[arg(long)]
    default_mode: Option<String>,
    /// Tasks at work at the same time
    #[arg(long)]
    max_concurrent: Option<u32>,
    /// Whether repeated rejections move a task to a higher tier
    #[arg(long)]
    escalate_tier: Option<bool>,
}

impl ProjectConfig {
    fn members(&self) -> Map<String, Value> {
        let members = [
            ("qa_profile", self.qa_profile.clone().map(Value::from)),
            ("default_mode", self.default_mode.clone().map(Value::from)),
            ("max_concurrent", self.max_concurrent.map(Value::from)),
            ("escalate_tier", self.escalate_tier.map(Value::from)),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Runs `dats project`.
pub(super) async fn run(command: ProjectCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        ProjectCommand::List => list(session).await,
        ProjectCommand::Status { project } => status(&session.project(project.as_deref()), session).await,
        ProjectCommand::Create(arguments) => create(arguments, session).await,
        ProjectCommand::Config(arguments) => config(&arguments, session).await,
    }
}

async fn list(session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/projects", &[("limit", "200".to_owned())]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["project", "tasks", "made", "description"]);
        for project in answer.list("projects") {
            table.row([
                Cell::painted(project.text("id"), Paint::Strong),
                project.shown("task_count").into(),
                time::ago(project.text("created_at"), session.now).into(),
                project.text("description").into(),
            ]);
        }
        session.output.table(&table)
    })
}

async fn status(project: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get(&format!("/projects/{}/status", in_path(project)), &[]).await?;
    session.output.answer(&answer, || {
        let output = session.output;
        let counts = |path: &str| {
            let members = answer.at(path).as_object().into_iter().flatten();
            let counts = members.map(|(name, count)| format!("{} {count}", output.status(name)));
            counts.collect::<Vec<_>>().join(", ")
        };
        let mut facts = Facts::new();
        facts.add("project", answer.text("project_id"));
        facts.add("tasks", format!("{}: {}", answer.count("total"), counts("by_status")));
        facts.add("tiers", counts("by_tier"));
        facts.add("at work", format!("{} of {}", answer.count("active"), answer.count("max_concurrent")));
        let success = answer.at("success_rate").as_f64();
        facts.add("success", success.map(|rate| format!("{:.0}%", rate * 100.0)).unwrap_or_default());
        let average = answer.at("average_execution_time_ms").as_f64().filter(|time| *time >= 0.0);
        facts.add("average", average.map(|time| time::milliseconds(time as u64)).unwrap_or_default());
        let (read, written) = (answer.count("tokens_input"), answer.count("tokens_output"));
        facts.add("tokens", format!("{read} in, {written} out"));
        facts.add("cost", spend::of_project(answer.at("spend")));
        facts.add("paused", paused(answer.at("paused"), session));
        facts.add("last activity", time::ago(answer.text("last_activity_at"), session.now));
        if !answer.at("health").is_null() {
            let advice = answer.text("health.recommended_action");
            let (tainted, suspect) = (answer.count("health.tainted"), answer.count("health.suspect"));
            facts.add("health", format!("{tainted} tainted, {suspect} suspect: {}", output.status(advice)));
        }
        facts.text(session)
    })
}

/// Since when and why nothing new is released; empty if it is.
fn paused(pause: &Value, session: &Session<'_>) -> String {
    if pause.is_null() {
        return String::new();
    }
    let since = time::ago(pause.text("since"), session.now);
    let reason = match pause.text("reason") {
        "" => String::new(),
        reason => format!(": {}", clean(reason)),
    };
    session.output.paint(&format!("{since}{reason}"), Paint::Warn)
}

async fn create(arguments: CreateArguments, session: &Session<'_>) -> Result<(), Failure> {
    let mut body = json!({ "name": arguments.name });
    let config = arguments.config.members();
    if let Some(members) = body.as_object_mut() {
        members.extend(arguments.description.map(|text| ("description".to_owned(), Value::from(text))));
        members.extend(arguments.repo_url.map(|url| ("repo_url".to_owned(), Value::from(url))));
        if !config.is_empty() {
            members.insert("config".to_owned(), Value::Object(config));
        }
    }
    let answer = session.client.post("/projects", &body).await?;
    session.output.answer(&answer, || answer.text("id").to_owned())
}

async fn config(arguments: &ConfigArguments, session: &Session<'_>) -> Result<(), Failure> {
    let path = format!("/projects/{}", in_path(session.project(arguments.project.as_deref())));
    let changes = arguments.config.members();
    let answer = if changes.is_empty() {
        session.client.get(&path, &[]).await?
    } else {
        session.client.put(&path, &json!({ "config": changes })).await?
    };
    session.output.answer(answer.at("config"), || {
        let mut table = Table::new(["setting", "value"]);
        for (name, value) in answer.at("config").as_object().into_iter().flatten() {
            table.row([name.into(), crate::json::shown(value).into()]);
        }
        session.output.table(&table)
    })
}
