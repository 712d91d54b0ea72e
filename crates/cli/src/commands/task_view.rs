//! A task as people read it.

use serde_json::Value;

use super::Session;
use crate::json::Look;
use crate::output::{Paint, time};

/// Lines of name and value; those without a value are left out.
pub(super) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a fact, if there is one.
    pub(super) fn add(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((name, value));
        }
    }

    /// All of them, aligned.
    pub(super) fn text(self, session: &Session<'_>) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
        let line = |(name, value): (&str, String)| {
            format!("{}{value}\n", session.output.paint(&format!("{name:width$}"), Paint::Faint))
        };
        self.0.into_iter().map(line).collect()
    }
}

/// A task in full; `cost` is what all its attempts cost, in words.
pub(super) fn task(task: &Value, cost: &str, session: &Session<'_>) -> String {
    let output = session.output;
    let ago = |path: &str| time::ago(task.text(path), session.now);
    let mut facts = Facts::new();
    facts.add("task", task.text("task_id"));
    facts.add("project", task.text("project_id"));
    facts.add("status", format!("{} ({})", output.status(task.text("status")), task.text("phase")));
    facts.add("waiting for", waiting(task));
    facts.add("progress", progress(task));
    facts.add("attempt", format!("{} of {}", task.count("attempt"), task.count("max_attempts")));
    facts.add("tier", task.text("tier"));
    facts.add("domain", task.text("domain"));
    facts.add("priority", task.text("priority"));
    facts.add("worker", task.text("worker_id"));
    facts.add("model", task.text("model_used"));
    facts.add("tokens", tokens(task));
    facts.add("cost", cost);
    facts.add("submitted", ago("created_at"));
    facts.add("started", ago("started_at"));
    facts.add("ended", ago("completed_at"));
    facts.add("expected", ago("estimated_completion"));
    facts.add("took", task.at("execution_time_ms").as_u64().map(time::milliseconds).unwrap_or_default());
    facts.add("error", output.paint(&error(task), Paint::Bad));
    facts.add("record", task.text("provenance_id"));
    let mut text = facts.text(session);
    text.push_str(&format!("\n{}\n", crate::output::clean(task.text("description"))));
    for artifact in task.list("artifacts") {
        let (id, path) = (artifact.text("id"), artifact.text("path"));
        text.push_str(&format!("  {} {}\n", output.paint(id, Paint::Strong), crate::output::clean(path)));
    }
    text
}

/// What a task waits for, in words; empty if it does not wait.
pub(super) fn waiting(task: &Value) -> String {
    let what = match task.text("waiting_for.reason") {
        "" => return String::new(),
        "slot" => "a free slot of its project",
        "dependency" => "tasks that it depends on",
        "review" => "a person's judgement",
        "tainted_input" => "an input that was found wrong",
        "pause" => "somebody to resume what is paused",
        "backoff" => "its time",
        other => other,
    };
    match task.text("waiting_for.detail") {
        "" => what.to_owned(),
        detail => format!("{what}: {}", crate::output::clean(detail)),
    }
}

/// A phase, and in a word what is waited for in it.
pub(super) fn phase(task: &Value) -> String {
    match task.text("waiting_for.reason") {
        "" => task.text("phase").to_owned(),
        reason => format!("{} ({})", task.text("phase"), reason.replace('_', " ")),
    }
}

/// Why a task failed; empty if it did not.
pub(super) fn error(task: &Value) -> String {
    match task.text("error.code") {
        "" => String::new(),
        code => format!("{code}: {}", task.text("error.message")),
    }
}

fn progress(task: &Value) -> String {
    let percent = task.at("progress.percent").as_f64().unwrap_or_default();
    let subtasks = match task.count("progress.total_subtasks") {
        0 => String::new(),
        total => format!(", {} of {total} subtasks", task.count("progress.completed_subtasks")),
    };
    let message = match task.text("progress.message") {
        "" => String::new(),
        message => format!(", {message}"),
    };
    format!("{percent:.0}%{subtasks}{message}")
}

fn tokens(task: &Value) -> String {
    match (task.at("tokens_input").as_u64(), task.at("tokens_output").as_u64()) {
        (None, None) => String::new(),
        (read, written) => {
            format!("{} in, {} out", read.unwrap_or_default(), written.unwrap_or_default())
        }
    }
}
