//! Why a task waits, as far as that is not the task's own state: its place in the queue, and what is paused.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::TaskId;
use service_runtime::database::StoreError;

use crate::pauses::store::{find_project_pause, find_tier_pause};
use crate::projects::store::find_slots;
use crate::tasks::TaskService;
use crate::tasks::store::queue::{MOST_COUNTED, count_ahead};
use crate::tasks::store::read::find_task;
use crate::tasks::task::{Task, Waiting, WaitingReason};

/// The task as [`super::find_task`] finds it, and what it waits for in detail.
///
/// # Errors
/// When the store does not answer.
pub async fn find_task_explained(service: &TaskService, id: TaskId) -> Result<Option<Task>, StoreError> {
    let mut conn = service.connection().await?;
    let Some(mut task) = find_task(&mut conn, id).await? else { return Ok(None) };
    if task.awaits_slot() {
        task.waiting = Some(explain(&mut conn, service, &task).await?);
    }
    Ok(Some(task))
}

async fn explain(conn: &mut AsyncPgConnection, service: &TaskService, task: &Task) -> QueryResult<Waiting> {
    let project = &task.submission.project_id;
    if let Some(pause) = find_project_pause(conn, project).await? {
        return Ok(Waiting::because(WaitingReason::Pause, pause.sentence(&format!("project {project}"))));
    }
    if let Some(tier) = task.known_tier()
        && let Some(pause) = find_tier_pause(conn, tier).await?
    {
        return Ok(Waiting::because(WaitingReason::Pause, pause.sentence(&format!("tier {tier}"))));
    }
    let ahead = count_ahead(conn, project, task, service.rules().priority_step).await?;
    let place = if ahead < MOST_COUNTED {
        format!("place {} in the queue of project {project}", ahead + 1)
    } else {
        format!("at least {MOST_COUNTED} tasks are ahead in the queue of project {project}")
    };
    let slots = find_slots(conn, project).await?.map(|slots| {
        let limit = slots.limit(service.default_limit());
        format!("; {} of {limit} slots are taken", slots.active)
    });
    Ok(Waiting::because(WaitingReason::Slot, place + &slots.unwrap_or_default()))
}
