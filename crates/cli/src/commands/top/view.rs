//! What `dats top` shows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::commands::Session;
use crate::commands::task_view::phase;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// Lines besides the tasks.
const FRAME_LINES: usize = 8;

/// A look as text of at most so many lines.
pub(super) fn render(state: &Value, lines: usize, session: &Session<'_>) -> String {
    let mut text = head(state, session);
    let room = lines.saturating_sub(FRAME_LINES).max(4);
    text.push_str(&tasks(state, room.saturating_sub(failures_shown(state)), session));
    text.push_str(&failures(state, session));
    text
}

fn head(state: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let health = state.at("health");
    let status = if health.text("status").is_empty() { "unknown" } else { health.text("status") };
    let project = state.text("project");
    let scope = if project.is_empty() { String::new() } else { format!(" of {project}") };
    let mut text = format!(
        "{}  {}  {} at work, {} waiting{scope}  {}\n",
        output.paint("dats top", Paint::Strong),
        output.status(status),
        state.count("running.total"),
        state.count("pending.total"),
        output.paint("q ends", Paint::Faint),
    );
    text.push_str(&format!("agents  {}\n", agents(state, session)));
    text.push_str(&format!("queues  {}\n\n", queues(state, session)));
    text
}

fn agents(state: &Value, session: &Session<'_>) -> String {
    let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
    for agent in state.at("agents").as_array().into_iter().flatten() {
        *by_status.entry(agent.text("status")).or_default() += 1;
    }
    if by_status.is_empty() {
        return "none".to_owned();
    }
    let counts = by_status.iter().map(|(status, count)| format!("{count} {}", session.output.status(status)));
    counts.collect::<Vec<_>>().join(", ")
}

/// Queues in which something waits, or from which nobody takes.
fn queues(state: &Value, session: &Session<'_>) -> String {
    let shown = state.list("queues.queues").iter().filter(|queue| queue.count("depth") > 0).map(|queue| {
        let (name, depth) = (queue.text("name"), queue.count("depth"));
        let paint = match queue.count("consumers") {
            _ if name.ends_with(".dead") => Paint::Bad,
            0 => Paint::Warn,
            _ => Paint::Busy,
        };
        format!("{name} {}", session.output.paint(&depth.to_string(), paint))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "empty".to_owned() } else { shown.join(", ") }
}

fn tasks(state: &Value, room: usize, session: &Session<'_>) -> String {
    let mut table = Table::new(["task", "status", "phase", "project", "tier", "since", "description"]);
    table.may_leave_out(["tier", "project", "since"]);
    let tasks = state.list("running.tasks").iter().chain(state.list("pending.tasks"));
    for task in tasks.take(room) {
        table.row([
            Cell::painted(task.text("task_id"), Paint::Faint),
            Cell::status(task.text("status")),
            phase(task).into(),
            task.text("project_id").into(),
            task.text("tier").into(),
            time::ago(task.text("updated_at"), chrono::Utc::now()).into(),
            task.text("description").into(),
        ]);
    }
    if table.is_empty() { "no task is at work or waits\n".to_owned() } else { session.output.table(&table) }
}

fn failures_shown(state: &Value) -> usize {
    state.list("failures.failures").len().min(5)
}

fn failures(state: &Value, session: &Session<'_>) -> String {
    let mut table = Table::new(["failed", "when", "error"]);
    for failure in state.list("failures.failures").iter().take(5) {
        table.row([
            Cell::painted(failure.text("task_id"), Paint::Faint),
            time::ago(failure.text("failed_at"), chrono::Utc::now()).into(),
            Cell::painted(failure.shown("error"), Paint::Bad),
        ]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", session.output.table(&table)) }
}
