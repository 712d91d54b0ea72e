//! Described tasks for workers: submitted together, followed by their history until all have ended.

mod cast;

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Played;
use crate::demo::gateway::Gateway;
use crate::demo::screen::{Paint, Screen};

const POLL: Duration = Duration::from_millis(150);

/// A task on its way.
struct Watched {
    played: Played,
    cancelled_midway: bool,
    submitted: Instant,
    told: usize,
    cancel_sent: bool,
}

/// Submits everything and follows every task to its end.
pub(super) async fn play(
    gateway: &Gateway,
    project: &str,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Played>> {
    let mut tasks = submit(gateway, project, screen).await?;
    screen.line("\nWhat happens to them:")?;
    let began = Instant::now();
    while !tasks.iter().all(|watched| watched.played.has_ended()) {
        for watched in tasks.iter_mut().filter(|watched| !watched.played.has_ended()) {
            look(gateway, watched, began, screen).await?;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(tasks.into_iter().map(|watched| watched.played).collect())
}

async fn submit(gateway: &Gateway, project: &str, screen: &mut Screen) -> anyhow::Result<Vec<Watched>> {
    screen.line(&format!("\nSubmitting tasks of project {project} to {}/api/v1/tasks:", gateway.url()))?;
    let mut watched = Vec::new();
    for part in cast::all() {
        let submitted = Instant::now();
        let task_id = gateway.submit(&part.submission(project)).await?;
        screen.line(&format!("  {} {task_id}", screen.cell(part.label, 15, Paint::Bold)))?;
        watched.push(Watched {
            cancelled_midway: part.cancelled_midway,
            played: Played {
                label: part.label,
                work_type: None,
                task_id,
                task: Value::Null,
                took: Duration::ZERO,
                ends: part.ends,
                attempts: part.attempts,
            },
            submitted,
            told: 0,
            cancel_sent: false,
        });
    }
    Ok(watched)
}

async fn look(
    gateway: &Gateway,
    watched: &mut Watched,
    began: Instant,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let played = &mut watched.played;
    played.task = gateway.task(&played.task_id).await?;
    let history = gateway.history(&played.task_id).await?;
    for (index, event) in history.iter().enumerate().skip(watched.told) {
        let is_newest = index + 1 == history.len();
        let note = note(&played.task, event, is_newest).unwrap_or_default();
        screen.line(&describe(played.label, event, &note, began, screen))?;
    }
    watched.told = history.len();
    if played.has_ended() {
        played.took = watched.submitted.elapsed();
    } else if watched.cancelled_midway && !watched.cancel_sent && played.text("phase") == "executing" {
        gateway.cancel(&played.task_id).await?;
        watched.cancel_sent = true;
    }
    Ok(())
}

/// What the task tells about an event beyond its history: how far the work is, or why an attempt failed.
fn note(task: &Value, event: &Value, is_newest: bool) -> Option<String> {
    match event.get("event").and_then(Value::as_str)? {
        "task.progress" if is_newest => {
            let progress = task.get("progress")?;
            let message = progress.get("message").and_then(Value::as_str)?;
            Some(format!("{:.0}%  {message}", progress.get("percent")?.as_f64()?))
        }
        "task.rejected" | "task.failed" => {
            let errors = task.get("errors").and_then(Value::as_array)?;
            let error = errors.iter().find(|error| error.get("attempt") == event.get("attempt"))?;
            error.get("message").and_then(Value::as_str).map(ToOwned::to_owned)
        }
        _ => event.get("reason").and_then(Value::as_str).map(ToOwned::to_owned),
    }
}

/// One event of a task's history as a line.
fn describe(label: &str, event: &Value, note: &str, began: Instant, screen: &Screen) -> String {
    let text = |member: &str| event.get(member).and_then(Value::as_str).unwrap_or_default();
    let (from, to) = (text("from_phase"), text("to_phase"));
    let change = match (from, to) {
        ("", to) => to.to_owned(),
        (from, to) if from == to => to.to_owned(),
        (from, to) => format!("{from} -> {to}"),
    };
    let paint = match text("event") {
        "task.validated" => Paint::Green,
        "task.rejected" | "task.cancelled" => Paint::Yellow,
        "task.failed" => Paint::Red,
        _ if from == to => Paint::Dim,
        _ => Paint::Cyan,
    };
    let attempt = event.get("attempt").and_then(Value::as_u64).unwrap_or(1);
    let line = format!(
        "  {:>6.2}s  {} {} {} attempt {attempt}  {}",
        began.elapsed().as_secs_f64(),
        screen.cell(label, 15, Paint::Bold),
        screen.cell(text("event"), 20, paint),
        screen.cell(&change, 24, Paint::Plain),
        screen.cell(note, 0, Paint::Dim),
    );
    line.trim_end().to_owned()
}
