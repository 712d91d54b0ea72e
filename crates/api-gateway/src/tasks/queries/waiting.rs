//! Why a task waits, as far as that is not the task's own state: its place in the queue, what is paused, and how the
//! tasks are that it depends on.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::vocabulary::{Phase, TaskStatus};
use service_runtime::database::StoreError;

use super::page::TaskSummary;
use crate::pauses::store::{find_project_pause, find_tier_pause, list_paused_tiers, list_project_pauses};
use crate::projects::store::find_slots;
use crate::tasks::TaskService;
use crate::tasks::store::dependencies::{Wait, list_waits};
use crate::tasks::store::queue::{MOST_COUNTED, count_ahead};
use crate::tasks::task::{Task, Waiting, WaitingReason};

/// Most tasks that are named of those that are waited for.
const MOST_NAMED: usize = 3;

/// A task that waits for a slot or for other tasks, with what it waits for in detail.
pub(super) async fn explain_waiting(service: &TaskService, mut task: Task) -> Result<Task, StoreError> {
    let mut conn = service.connection().await?;
    task.waiting = Some(if task.awaits_dependencies() {
        explain_dependencies(&list_waits(&mut conn, &[task.submission.id]).await?)
    } else {
        explain(&mut conn, service, &task).await?
    });
    Ok(task)
}

/// Those that have not completed, the first of them by name.
fn explain_dependencies(waits: &[Wait]) -> Waiting {
    let mut open: Vec<_> = waits.iter().filter(|wait| wait.status != TaskStatus::Completed).collect();
    if open.is_empty() {
        return Waiting::because(
            WaitingReason::Dependency,
            "all of them have completed; it is about to go on",
        );
    }
    open.sort_unstable_by_key(|wait| wait.depends_on);
    let named: Vec<String> = open
        .iter()
        .take(MOST_NAMED)
        .map(|wait| format!("task {} is {}", wait.depends_on, wait.status))
        .collect();
    let more = match open.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Waiting::because(WaitingReason::Dependency, named.join(", ") + &more)
}

/// Of the tasks that wait for a slot, those of a paused project or tier wait for it to be resumed.
pub(super) async fn tell_pauses(conn: &mut AsyncPgConnection, tasks: &mut [TaskSummary]) -> QueryResult<()> {
    let waits = |task: &TaskSummary| {
        task.phase == Phase::Submitted
            && task.waiting.as_ref().is_some_and(|waiting| waiting.reason == WaitingReason::Slot)
    };
    let waiting: BTreeSet<&str> =
        tasks.iter().filter(|task| waits(task)).map(|task| task.project_id.as_str()).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let projects = list_project_pauses(conn, &waiting.into_iter().collect::<Vec<_>>()).await?;
    let tiers = list_paused_tiers(conn).await?;
    for task in tasks.iter_mut().filter(|task| waits(task)) {
        let of_project = projects.get(task.project_id.as_str());
        let of_tier = tiers.iter().find(|(tier, _)| task.known_tier.as_ref() == Some(tier));
        let detail = match (of_project, of_tier) {
            (Some(pause), _) => pause.sentence(&format!("project {}", task.project_id)),
            (None, Some((tier, pause))) => pause.sentence(&format!("tier {tier}")),
            (None, None) => continue,
        };
        task.waiting = Some(Waiting::because(WaitingReason::Pause, detail));
    }
    Ok(())
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
