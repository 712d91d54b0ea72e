//! `dats status TASK`: where a task is.

use clap::Args;
use serde_json::Value;

use super::watch::{Told, conclude, follow};
use super::{Session, spend, task_view};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Paint, clean};

/// `dats status`
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The task
    task: String,
    /// Tell every change until it has ended; exit 1 if it failed
    #[arg(short, long)]
    watch: bool,
    /// Show it with its subtasks
    #[arg(short, long, conflicts_with = "watch")]
    tree: bool,
}

/// Shows where a task is.
pub(super) async fn run(arguments: &StatusArguments, session: &Session<'_>) -> Result<(), Failure> {
    let path = format!("/tasks/{}", in_path(&arguments.task));
    if arguments.tree {
        let tree = session.client.get(&format!("{path}/tree"), &[]).await?;
        return session.output.answer(&tree, || {
            let mut text = String::new();
            branch(tree.at("root"), "", "", session, &mut text);
            text
        });
    }
    if arguments.watch {
        let end = follow(&arguments.task, Told::EachChange, None, session).await?;
        return conclude(&end);
    }
    let task = session.client.get(&path, &[]).await?;
    // Programs ask for the records themselves.
    let cost =
        if session.output.is_json() { String::new() } else { spend::of_task(&arguments.task, session).await };
    session.output.answer(&task, || task_view::task(&task, &cost, session))
}

/// A task and what it was split into; `before` stands before its own line, `below` before those below it.
fn branch(task: &Value, before: &str, below: &str, session: &Session<'_>, text: &mut String) {
    let output = session.output;
    let tier = match task.text("tier") {
        "" => String::new(),
        tier => format!(" [{tier}]"),
    };
    let line = format!(
        "{before}{} {}{tier} {}",
        output.status(task.text("status")),
        output.paint(task.text("task_id"), Paint::Faint),
        clean(task.text("description")),
    );
    text.push_str(&line);
    text.push('\n');
    let children = task.list("children");
    for (place, child) in children.iter().enumerate() {
        let is_last = place + 1 == children.len();
        let (before, more) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, &format!("{below}{before}"), &format!("{below}{more}"), session, text);
    }
}
