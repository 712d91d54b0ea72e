//! `dats why TASK`: why a task is where it is, in plain words.

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::task_view::{error, waiting};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Paint, clean, time};

/// `dats why`
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The task
    task: String,
}

/// Says why a task is where it is.
pub(super) async fn run(arguments: &WhyArguments, session: &Session<'_>) -> Result<(), Failure> {
    let task = session.client.get(&format!("/tasks/{}", in_path(&arguments.task)), &[]).await?;
    let answer = json!({
        "task_id": task.at("task_id"), "status": task.at("status"), "phase": task.at("phase"),
        "waiting_for": task.at("waiting_for"), "routing": task.at("routing"), "error": task.at("error"),
        "errors": task.at("errors"), "human_actions_needed": task.at("human_actions_needed"),
    });
    session.output.answer(&answer, || paragraphs(&task, session).join("\n"))
}

fn paragraphs(task: &Value, session: &Session<'_>) -> Vec<String> {
    let output = session.output;
    let mut said = vec![format!("{} {}.", output.status(task.text("status")), now(task, session))];
    if let Some(routing) = routing(task) {
        said.push(format!("\n{}", output.paint("Why it went there", Paint::Strong)));
        said.extend(routing);
    }
    let failed = task.list("errors");
    if !failed.is_empty() {
        said.push(format!("\n{}", output.paint("What went wrong", Paint::Strong)));
        said.extend(failed.iter().map(|failed| {
            let attempt = failed.count("attempt");
            let again = if failed.flag("retryable") { "" } else { " (not worth another try)" };
            format!("  attempt {attempt}: {}{again}", clean(failed.text("message")))
        }));
    }
    if let Some(next) = next_step(task) {
        said.push(format!("\n{next}"));
    }
    said
}

/// Where it is, as the rest of a sentence.
fn now(task: &Value, session: &Session<'_>) -> String {
    let since = time::ago(task.text("updated_at"), session.now);
    let waits = waiting(task);
    match task.text("phase") {
        _ if !waits.is_empty() => format!("since {since}: it waits for {waits}"),
        "submitted" => "and stored; it waits for a free slot of its project".to_owned(),
        "routing" => format!("since {since}: the routing-engine decides who does it"),
        "ready" => format!(
            "since {since}: it waits for a worker of tier {} to take it (dats queues shows how many wait)",
            task.text("tier")
        ),
        "executing" => format!("since {since}: {} works on it", or(task.text("worker_id"), "a worker")),
        "validating" => format!("since {since}: its output is there and QA judges it"),
        "in_review" => format!("since {since}: a person must decide"),
        "decomposed" => format!(
            "since {since}: {} of its {} subtasks are done",
            task.count("progress.completed_subtasks"),
            task.count("progress.total_subtasks")
        ),
        _ => match error(task).as_str() {
            "" => since,
            error => format!("{since}: {}", clean(error)),
        },
    }
}

fn or<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if text.is_empty() { instead } else { text }
}

fn routing(task: &Value) -> Option<Vec<String>> {
    let routing = task.at("routing");
    if routing.is_null() {
        return None;
    }
    let who = match routing.text("analyzer") {
        "agent-service" => "The Agent Service analysed it",
        "pinned" => "The submitter pinned where it goes",
        _ => "The built-in rules analysed it",
    };
    let instead = if routing.flag("fallback") { ", since something better did not answer" } else { "" };
    let mut said = vec![format!("  {who}{instead}.")];
    said.extend(
        routing.list("reasons").iter().map(|reason| format!("  - {}", clean(&crate::json::shown(reason)))),
    );
    Some(said)
}

fn next_step(task: &Value) -> Option<String> {
    let id = task.text("task_id");
    match (task.text("status"), task.text("phase")) {
        ("failed", _) => Some(format!("Try it again: dats retry {id}")),
        (_, "in_review") => {
            let review = task.list("human_actions_needed").first()?;
            Some(format!("Review {}: {}", review.text("review_id"), clean(review.text("summary"))))
        }
        _ => None,
    }
}
