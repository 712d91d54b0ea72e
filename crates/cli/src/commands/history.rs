//! `dats history TASK`: everything that touched a task.

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table};

/// `dats history`
#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The task
    task: String,
    /// Also what was ignored
    #[arg(long)]
    all: bool,
}

/// Shows what happened to a task.
pub(super) async fn run(arguments: &HistoryArguments, session: &Session<'_>) -> Result<(), Failure> {
    let events = events_of(&arguments.task, session).await?;
    let answer = json!({ "task_id": arguments.task, "events": events });
    session.output.answer(&answer, || table(&events, arguments.all, session))
}

/// Every event of a task's history, in its order.
pub(super) async fn events_of(task: &str, session: &Session<'_>) -> Result<Vec<Value>, Failure> {
    let path = format!("/tasks/{}/history", in_path(task));
    let mut events = Vec::new();
    let mut query = vec![("limit", "200".to_owned())];
    loop {
        let page = session.client.get(&path, &query).await?;
        events.extend(page.list("events").iter().cloned());
        let Some(cursor) = page.at("next_cursor").as_str() else { break };
        query = vec![("limit", "200".to_owned()), ("cursor", cursor.to_owned())];
    }
    events.sort_by_key(|event| event.count("sequence"));
    Ok(events)
}

fn table(events: &[Value], all: bool, session: &Session<'_>) -> String {
    let mut table = Table::new(["at", "attempt", "event", "phase", "by", "why"]);
    table.may_leave_out(["attempt", "by"]);
    let is_shown = |event: &&Value| all || event.text("outcome") != "ignored";
    for event in events.iter().filter(is_shown) {
        let ignored = event.text("outcome") == "ignored";
        let phase = match (event.text("from_phase"), event.text("to_phase")) {
            _ if ignored => "ignored".to_owned(),
            ("", to) => to.to_owned(),
            (from, to) if from == to => to.to_owned(),
            (from, to) => format!("{from} > {to}"),
        };
        table.row([
            Cell::painted(event.text("at").get(..23).unwrap_or_default(), Paint::Faint),
            event.shown("attempt").into(),
            event.text("event").into(),
            Cell::painted(phase, if ignored { Paint::Faint } else { Paint::Plain }),
            event.text("source").into(),
            event.text("reason").into(),
        ]);
    }
    session.output.table(&table)
}
