//! `dats list`: tasks by filter, newest first.

use clap::Args;
use serde_json::{Value, json};

use super::{Session, pages, task_view};
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

const UNMATCHED: &str = "None matches; with fewer filters there may be some.";
const NONE_YET: &str = "Hand one in: dats submit \"Write a function that ...\"";

/// `dats list`
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only of this project
    #[arg(short, long)]
    project: Option<String>,
    /// Only with this status; may be repeated
    #[arg(short, long)]
    status: Vec<String>,
    /// Only in this phase
    #[arg(long)]
    phase: Option<String>,
    /// Only of this tier
    #[arg(long)]
    tier: Option<String>,
    /// Only of this domain
    #[arg(long)]
    domain: Option<String>,
    /// Only with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only subtasks of this task
    #[arg(long, value_name = "TASK")]
    parent: Option<String>,
    /// Only submitted after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_after: Option<String>,
    /// Only submitted before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// Most tasks to show
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: u64,
    /// Show all, however many there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Lists tasks.
pub(super) async fn run(arguments: &ListArguments, session: &Session<'_>) -> Result<(), Failure> {
    let filters = filters(arguments, session);
    let most = (!arguments.all).then_some(arguments.limit);
    let listed = pages::collect("/tasks", "tasks", &filters, most, session).await?;
    let answer = json!({
        "tasks": listed.entries, "total": listed.first.count("total"),
        "total_is_estimate": listed.first.flag("total_is_estimate"), "next_cursor": listed.next_cursor,
    });
    session.output.answer(&answer, || table(&answer, !filters.is_empty(), session))
}

fn filters(arguments: &ListArguments, session: &Session<'_>) -> Vec<(&'static str, String)> {
    let one = [
        ("project_id", session.project_if_any(arguments.project.as_deref())),
        ("phase", arguments.phase.clone()),
        ("tier", arguments.tier.clone()),
        ("domain", arguments.domain.clone()),
        ("tag", arguments.tag.clone()),
        ("parent_id", arguments.parent.clone()),
        ("created_after", arguments.created_after.clone()),
        ("created_before", arguments.created_before.clone()),
    ];
    let statuses = arguments.status.iter().map(|status| ("status", status.clone()));
    one.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(statuses).collect()
}

fn table(answer: &Value, is_filtered: bool, session: &Session<'_>) -> String {
    let mut table = Table::new(["task", "status", "phase", "project", "tier", "submitted", "description"]);
    table.may_leave_out(["tier", "project", "submitted"]);
    for task in answer.list("tasks") {
        table.row([
            Cell::painted(task.text("task_id"), Paint::Faint),
            Cell::status(task.text("status")),
            task_view::phase(task).into(),
            task.text("project_id").into(),
            task.text("tier").into(),
            time::ago(task.text("created_at"), session.now).into(),
            task.text("description").into(),
        ]);
    }
    if table.is_empty() {
        return session.output.nothing("no tasks", if is_filtered { UNMATCHED } else { NONE_YET });
    }
    let (shown, total) = (answer.list("tasks").len(), answer.count("total"));
    let more = if answer.flag("total_is_estimate") { "more than " } else { "" };
    let rest = match u64::try_from(shown) {
        Ok(shown) if shown < total => format!("{shown} of {more}{total}; all of them with --all\n"),
        _ => String::new(),
    };
    session.output.table(&table) + &session.output.paint(rest.trim_end(), Paint::Faint)
}
