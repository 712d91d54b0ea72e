//! Admission: releases waiting tasks into the free slots of their project, by priority, then age. Exact under any
//! number of replicas, because a slot is only given away under the lock of the project's row.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::ProjectId;
use service_runtime::database::StoreError;

use super::nudge::Scope;
use super::schedule::{Pass, Reconciler};
use crate::projects::store::{list_waiting_projects, lock_projects};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet, admitted};
use crate::tasks::store::read::{claim_tasks_awaiting_slot, list_inherited};

/// Most tasks released in one transaction.
const BATCH: i64 = 200;

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
        let mut unfinished = Vec::new();
        for project in projects {
            // One batch per project and round, so that a busy project does not keep the others waiting.
            if admit_waiting_tasks(&self.service, &project).await? == BATCH.unsigned_abs() as usize {
                unfinished.push(project);
            }
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

/// Releases tasks of the project into its free slots, up to a batch of them; tells how many.
pub(crate) async fn admit_waiting_tasks(
    service: &TaskService,
    project: &ProjectId,
) -> Result<usize, StoreError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let admission = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let Some(slots) = lock_projects(conn, &[project]).await?.pop() else { return Ok(None) };
            let free = slots.free(service.default_limit()).min(BATCH);
            if free == 0 || slots.waiting == 0 {
                return Ok(None);
            }
            let waiting = claim_tasks_awaiting_slot(conn, project, free).await?;
            let ids: Vec<_> = waiting.iter().map(|task| task.submission.id).collect();
            let inherited = list_inherited(conn, &waiting).await?;
            let mut changes = ChangeSet::new(service.rules(), now, waiting);
            for (id, artifacts) in inherited {
                changes.inherit(id, artifacts);
            }
            for &id in &ids {
                changes.apply(id, &admitted(), &Cause::ours("task.admitted"))?;
            }
            Ok(Some((ids.len(), changes.write(conn).await?)))
        })
        .await?;
    drop(conn);
    let Some((released, committed)) = admission else { return Ok(0) };
    service.committed(committed);
    Ok(released)
}
