//! Heartbeats as news about tasks: the agent that names a task as its current one holds it. Existing agents tell
//! nothing else about their work before it ends.

use diesel::QueryResult;
use protocol::vocabulary::Phase;

use super::Sighting;
use crate::tasks::changes::{Cause, ChangeSet};
use crate::tasks::lifecycle::Input;
use crate::tasks::task::Task;

/// What the history calls it.
const HELD: &str = "agent.heartbeat";

/// Notes the agent of the heartbeat as the holder of the task that it names, if that is news.
pub(crate) fn note_held_tasks(changes: &mut ChangeSet<'_>, sighting: &Sighting) -> QueryResult<()> {
    let Some(task_id) = sighting.current_task_id else { return Ok(()) };
    let agent_id = sighting.agent_id.to_string();
    if !changes.task(task_id).is_some_and(|task| is_news(task, &agent_id)) {
        return Ok(());
    }
    let held = Input::Progress {
        attempt: None,
        hand_over: None,
        worker_id: Some(agent_id),
        percent: None,
        message: None,
    };
    changes.apply(task_id, &held, &Cause::ours(HELD)).map(|_| ())
}

/// An agent repeats itself every minute: what is known already shall not fill the history.
fn is_news(task: &Task, agent_id: &str) -> bool {
    match task.phase {
        Phase::Routing | Phase::Ready => task.is_for_agent(),
        Phase::Executing => task.is_for_agent() && task.work.worker_id.as_deref() != Some(agent_id),
        _ => false,
    }
}
