//! `dats provenance list` and `summary`: records by filter, and a project's records in numbers.

use clap::Args;
use serde_json::{Value, json};

use crate::client::in_path;
use crate::commands::task_view::Facts;
use crate::commands::{Session, pages, spend};
use crate::failure::Failure;
use crate::json::Look;
use crate::output::cost::amount;
use crate::output::{Cell, Paint, Table, time};

/// `dats provenance list`
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only of this project
    #[arg(short, long)]
    project: Option<String>,
    /// Only of this task
    #[arg(long)]
    task: Option<String>,
    /// Only with this status: pending, passed, failed, human_approved, tainted or suspect
    #[arg(short, long)]
    status: Option<String>,
    /// Only of work with this model
    #[arg(long)]
    model: Option<String>,
    /// Only recorded after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_after: Option<String>,
    /// Only recorded before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// Most records to show
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: u64,
    /// Show all, however many there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// `dats provenance summary`
#[derive(Debug, Args)]
pub(crate) struct SummaryArguments {
    /// The project
    #[arg(short, long)]
    project: Option<String>,
}

/// Lists records, newest first.
pub(super) async fn list(arguments: &ListArguments, session: &Session<'_>) -> Result<(), Failure> {
    let filters = filters(arguments, session);
    let most = (!arguments.all).then_some(arguments.limit);
    let listed = pages::collect("/provenance", "records", &filters, most, session).await?;
    let answer = json!({ "records": listed.entries, "next_cursor": listed.next_cursor });
    session.output.answer(&answer, || table(&answer, session))
}

fn filters(arguments: &ListArguments, session: &Session<'_>) -> Vec<(&'static str, String)> {
    let filters = [
        ("project_id", session.project_if_any(arguments.project.as_deref())),
        ("task_id", arguments.task.clone()),
        ("status", arguments.status.clone()),
        ("model_used", arguments.model.clone()),
        ("created_after", arguments.created_after.clone()),
        ("created_before", arguments.created_before.clone()),
    ];
    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn table(answer: &Value, session: &Session<'_>) -> String {
    let mut table = Table::new(["record", "status", "project", "tier", "model", "cost", "recorded", "made"]);
    table.may_leave_out(["project", "tier", "model", "recorded"]);
    for record in answer.list("records") {
        let cost = record.at("cost.micro_units").as_u64().map(amount);
        let made: Vec<&str> =
            record.list("outputs").iter().map(|output| output.text("artifact_id")).collect();
        table.row([
            Cell::painted(record.text("id"), Paint::Faint),
            Cell::status(record.text("status")),
            record.text("project_id").into(),
            record.text("tier").into(),
            record.text("model_used").into(),
            cost.unwrap_or_default().into(),
            time::ago(record.text("created_at"), session.now).into(),
            made.join(", ").into(),
        ]);
    }
    if table.is_empty() {
        return session.output.nothing("no records", "Every output of a worker leaves one.");
    }
    let rest = match answer.text("next_cursor") {
        "" => String::new(),
        _ => session.output.paint("There are more; all of them with --all", Paint::Faint),
    };
    session.output.table(&table) + &rest
}

/// Sums up a project's records.
pub(super) async fn summary(arguments: &SummaryArguments, session: &Session<'_>) -> Result<(), Failure> {
    let project = session.project(arguments.project.as_deref());
    let path = format!("/projects/{}/provenance/summary", in_path(&project));
    let answer = session.client.get(&path, &[]).await?;
    session.output.answer(&answer, || numbers(&answer, session))
}

fn numbers(answer: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let health = answer.at("health");
    let (tainted, suspect) = (health.count("tainted"), health.count("suspect"));
    let advice = output.status(health.text("recommended_action"));
    let mut facts = Facts::new();
    facts.add("project", answer.text("project_id"));
    facts.add("health", format!("{tainted} tainted, {suspect} suspect: {advice}"));
    facts.add("cost", spend::of_project(answer.at("spend")));
    let mut table = Table::new(["tier", "records", "tokens in", "tokens out", "cost", "rejected", "wasted"]);
    for (tier, spend) in answer.at("by_tier").as_object().into_iter().flatten() {
        let cost = |part: &str| {
            let cost = spend.at(part).at("cost_micro_units").as_u64();
            cost.map(amount).unwrap_or_default()
        };
        let total = spend.at("total");
        table.row([
            Cell::painted(if tier.is_empty() { "not known" } else { tier }, Paint::Strong),
            total.shown("records").into(),
            total.shown("tokens_input").into(),
            total.shown("tokens_output").into(),
            cost("total").into(),
            cost("rejected").into(),
            cost("wasted").into(),
        ]);
    }
    let by_tier = if table.is_empty() { String::new() } else { format!("\n{}", output.table(&table)) };
    facts.text(session) + &by_tier
}
