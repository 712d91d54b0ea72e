//! Submits the tasks and tells, as it happens, what happens to them.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::cast::{self, Part};
use super::gateway::Gateway;
use super::screen::{Paint, Screen};

const POLL: Duration = Duration::from_millis(150);

/// A task of the demo on its way.
pub(super) struct Watched {
    /// Who it is and how it must end.
    pub(super) part: Part,
    /// Its id.
    pub(super) task_id: String,
    /// As it was when last asked for.
    pub(super) task: Value,
    /// From submission to its end as this client saw it.
    pub(super) took: Duration,
    submitted: Instant,
    told: usize,
    cancel_sent: bool,
}

impl Watched {
    /// A text member of the task, empty when null or absent.
    pub(super) fn text(&self, member: &str) -> &str {
        self.task.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    fn has_ended(&self) -> bool {
        matches!(self.text("status"), "completed" | "failed" | "cancelled")
    }
}

/// Submits everything.
pub(super) async fn submit(
    gateway: &Gateway,
    project: &str,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Watched>> {
    screen.line(&format!("\nSubmitting tasks of project {project} to {}/api/v1/tasks:", gateway.url()))?;
    let mut watched = Vec::new();
    for part in cast::all() {
        let submitted = Instant::now();
        let task_id = gateway.submit(&part.submission(project)).await?;
        screen.line(&format!("  {} {task_id}", screen.cell(part.label, 15, Paint::Bold)))?;
        watched.push(Watched {
            part,
            task_id,
            task: Value::Null,
            took: Duration::ZERO,
            submitted,
            told: 0,
            cancel_sent: false,
        });
    }
    screen.line("\nWhat happens to them:")?;
    Ok(watched)
}

/// Follows every task to its end.
pub(super) async fn until_all_ended(
    gateway: &Gateway,
    mut tasks: Vec<Watched>,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Watched>> {
    let began = Instant::now();
    while !tasks.iter().all(Watched::has_ended) {
        for watched in tasks.iter_mut().filter(|watched| !watched.has_ended()) {
            look(gateway, watched, began, screen).await?;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(tasks)
}

async fn look(
    gateway: &Gateway,
    watched: &mut Watched,
    began: Instant,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    watched.task = gateway.task(&watched.task_id).await?;
    let history = gateway.history(&watched.task_id).await?;
    for (index, event) in history.iter().enumerate().skip(watched.told) {
        let is_newest = index + 1 == history.len();
        let note = note(&watched.task, event, is_newest).unwrap_or_default();
        screen.line(&describe(watched.part.label, event, &note, began, screen))?;
    }
    watched.told = history.len();
    if watched.has_ended() {
        watched.took = watched.submitted.elapsed();
    } else if watched.part.cancelled_midway && !watched.cancel_sent && watched.text("phase") == "executing" {
        gateway.cancel(&watched.task_id).await?;
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
