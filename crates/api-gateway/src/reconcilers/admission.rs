//! Admission: releases waiting tasks into the free slots of their project. Exact under any number of replicas,
//! because a slot is only given away under the lock of the project's row, and pauses are looked at under locks too.
//! Fair between projects: each gets its share of a round before any gets a second one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use protocol::ProjectId;
use service_runtime::database::StoreError;

use super::nudge::Scope;
use super::schedule::{Pass, Reconciler};
use crate::pauses::store::list_paused_for_release;
use crate::projects::store::{list_waiting_projects, lock_projects};
use crate::tasks::TaskService;
use crate::tasks::changes::{ChangeSet, Committed};
use crate::tasks::store::queue::list_next_in_queues;
use crate::tasks::store::read::{claim_tasks, list_inherited};
use crate::trust::obstacles::find_obstacles;

/// Most tasks released in one transaction.
const BATCH: i64 = 200;
/// Most projects of one transaction: their rows are wanted by every change of their tasks.
const PROJECTS: usize = 16;

/// See the module.
pub(crate) struct Admission {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long a free slot may go unnoticed if nobody calls.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Admission {
    const NAME: &'static str = "admission";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.service.nudges().admission.called().await;
    }

    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError> {
        let projects = match (everywhere, self.service.nudges().admission.take()) {
            (false, Scope::Places(projects)) => projects,
            (true, _) | (_, Scope::Everywhere) => waiting_projects(&self.service).await?,
        };
        let projects: Vec<ProjectId> = projects.into_iter().collect();
        let mut unfinished = Vec::new();
        for projects in projects.chunks(PROJECTS) {
            unfinished.extend(admit_in_projects(&self.service, projects).await?.unfinished);
        }
        self.service.nudges().admission.add(unfinished);
        Ok(Pass::Settled { next: None })
    }
}

async fn waiting_projects(service: &TaskService) -> Result<BTreeSet<ProjectId>, StoreError> {
    let mut conn = service.connection().await?;
    let rows = list_waiting_projects(&mut conn).await?;
    let limit = service.default_limit();
    let with_slots = rows.into_iter().filter(|row| row.free(limit) > 0);
    Ok(with_slots.filter_map(|row| ProjectId::new(row.project_id).ok()).collect())
}

/// What one transaction has released.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Released {
    /// How many tasks.
    pub(crate) tasks: usize,
    /// Projects in which more may be released.
    pub(crate) unfinished: Vec<ProjectId>,
}

/// Releases tasks of the project into its free slots, up to a batch of them; tells how many.
#[cfg(test)]
pub(crate) async fn admit_waiting_tasks(
    service: &TaskService,
    project: &ProjectId,
) -> Result<usize, StoreError> {
    Ok(admit_in_projects(service, std::slice::from_ref(project)).await?.tasks)
}

/// Releases tasks of the projects into their free slots, up to a batch of them.
pub(crate) async fn admit_in_projects(
    service: &TaskService,
    projects: &[ProjectId],
) -> Result<Released, StoreError> {
    let mut conn = service.connection().await?;
    let (released, committed) =
        conn.transaction::<_, DieselError, _>(async |conn| release(conn, service, projects).await).await?;
    drop(conn);
    if let Some(committed) = committed {
        service.committed(committed);
    }
    Ok(released)
}

async fn release(
    conn: &mut AsyncPgConnection,
    service: &TaskService,
    projects: &[ProjectId],
) -> QueryResult<(Released, Option<Committed>)> {
    let paused_tiers = list_paused_for_release(conn).await?;
    let rows = lock_projects(conn, &projects.iter().collect::<Vec<_>>()).await?;
    let share = (BATCH / i64::try_from(projects.len()).unwrap_or(BATCH).max(1)).max(1);
    let limit = service.default_limit();
    let free = rows.into_iter().filter(|row| row.waiting > 0).map(|row| (row.free(limit), row.project_id));
    let free: BTreeMap<String, i64> =
        free.filter(|(free, _)| *free > 0).map(|(free, project)| (project, free)).collect();
    if free.is_empty() {
        return Ok((Released::default(), None));
    }
    let wanted = free.iter().map(|(project, &free)| (project.as_str(), free.min(share)));
    let next = list_next_in_queues(conn, wanted, &paused_tiers, service.rules().priority_step).await?;
    // What somebody else holds is changing just now: whoever changes it calls again if that leaves a slot.
    let mut waiting = claim_tasks(conn, &next).await?;
    waiting.retain(|task| task.awaits_slot());
    let ids: Vec<_> = waiting.iter().map(|task| task.submission.id).collect();
    let mut by_project: BTreeMap<ProjectId, i64> = BTreeMap::new();
    for task in &waiting {
        *by_project.entry(task.submission.project_id.clone()).or_default() += 1;
    }
    let inherited = list_inherited(conn, waiting.iter()).await?;
    let obstacles = find_obstacles(conn, &waiting).await?;
    let mut changes = ChangeSet::new(service.rules(), service.now(), waiting);
    changes.keep_from(paused_tiers);
    for (id, artifacts) in inherited {
        changes.inherit(id, artifacts);
    }
    for &id in &ids {
        obstacles.release(&mut changes, id)?;
    }
    let has_more = |(project, released): &(ProjectId, i64)| {
        *released == share && free.get(project.as_str()).is_some_and(|free| *free > share)
    };
    let unfinished = by_project.into_iter().filter(has_more).map(|(project, _)| project).collect();
    Ok((Released { tasks: ids.len(), unfinished }, Some(changes.write(conn).await?)))
}
