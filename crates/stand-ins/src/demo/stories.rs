//! What the demo plays: one file for each story, played one after the other. A story submits work, shows what happens
//! to it as it happens, and gives back how its tasks ended.

mod agent;
mod trust;
mod workers;

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::gateway::Gateway;
use super::screen::Screen;

/// Longest time for one story.
const CURTAIN: Duration = Duration::from_secs(70);

/// A task that was played, as it was when last asked for.
pub(super) struct Played {
    /// Its short name on the screen.
    pub(super) label: &'static str,
    /// The work type, where it went to an agent.
    pub(super) work_type: Option<&'static str>,
    /// Its id.
    pub(super) task_id: String,
    /// The task.
    pub(super) task: Value,
    /// From submission to its end as this client saw it.
    pub(super) took: Duration,
    /// The status it must end in.
    pub(super) ends: &'static str,
    /// The attempt it must end in.
    pub(super) attempts: u64,
}

impl Played {
    /// A text member of the task, empty when null or absent.
    pub(super) fn text(&self, member: &str) -> &str {
        self.task.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it will not change any more.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.text("status"), "completed" | "failed" | "cancelled")
    }
}

/// Plays everything.
pub(super) async fn play(
    gateway: &Gateway,
    project: &str,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Played>> {
    let late = || format!("some tasks had not ended after {CURTAIN:?}");
    let mut played =
        tokio::time::timeout(CURTAIN, workers::play(gateway, project, screen)).await.with_context(late)??;
    let dispatched =
        tokio::time::timeout(CURTAIN, agent::play(gateway, project, screen)).await.with_context(late)??;
    played.push(dispatched);
    let again =
        tokio::time::timeout(CURTAIN, trust::play(gateway, project, screen)).await.with_context(late)??;
    played.extend(again);
    Ok(played)
}
