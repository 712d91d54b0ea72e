//! Follows a task to its end.

use std::time::Duration;

use serde_json::Value;

use super::Session;
use crate::client::stream::TaskEvents;
use crate::failure::{Exit, Failure};
use crate::json::Look;
use crate::output::{Paint, Progress};

/// How a task is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Every change on a line of its own.
    EachChange,
    /// Only a bar while it goes on.
    Nothing,
}

/// Waits until the task has ended; its last event. Fails with a timeout if that takes longer than `within`.
pub(super) async fn follow(
    task_id: &str,
    told: Told,
    within: Option<Duration>,
    session: &Session<'_>,
) -> Result<Value, Failure> {
    let Some(within) = within else { return until_end(task_id, told, session).await };
    tokio::time::timeout(within, until_end(task_id, told, session)).await.unwrap_or_else(|_| {
        let message = format!("task {task_id} has not ended after {} s", within.as_secs());
        Err(Failure::new(Exit::Timeout, message)
            .hint(format!("It goes on; follow it with: dats status {task_id} --watch")))
    })
}

async fn until_end(task_id: &str, told: Told, session: &Session<'_>) -> Result<Value, Failure> {
    let bar = (told == Told::Nothing).then(|| session.output.share("waiting"));
    let mut events = TaskEvents::watch(&session.client, task_id);
    let mut last = Value::Null;
    while let Some(event) = events.next().await? {
        match &bar {
            Some(bar) => show(bar, &event),
            None => tell(&event, session)?,
        }
        let ended = is_end(event.text("type"));
        last = event;
        if ended {
            break;
        }
    }
    Ok(last)
}

fn is_end(kind: &str) -> bool {
    matches!(kind, "task_complete" | "task_failed" | "task_cancelled")
}

fn show(bar: &Progress, event: &Value) {
    bar.set(event.at("progress.percent").as_f64().map_or(0, |percent| percent.clamp(0.0, 100.0) as u64));
    bar.say(event.text("phase").to_owned());
}

fn tell(event: &Value, session: &Session<'_>) -> Result<(), Failure> {
    let output = session.output;
    if output.is_json() {
        return output.line(&event.to_string());
    }
    let at = event.text("at").get(11..19).unwrap_or_default();
    let percent = event.at("progress.percent").as_f64().unwrap_or_default();
    let more = match event.text("type") {
        "task_failed" => format!("{}: {}", event.text("error.code"), event.text("error.message")),
        "review_needed" => format!("dats review show {} tells what is asked", event.text("review_id")),
        _ => String::new(),
    };
    let status = output.status(event.text("status"));
    let at = output.paint(at, Paint::Faint);
    let line =
        format!("{at}  {status} {} {percent:.0}% {}", event.text("phase"), output.paint(&more, Paint::Warn));
    output.line(line.trim_end())
}

/// The exit code that the task's end stands for.
pub(super) fn conclude(event: &Value) -> Result<(), Failure> {
    match event.text("type") {
        "task_failed" | "task_cancelled" => Err(Failure::silent(Exit::Failed)),
        _ => Ok(()),
    }
}
