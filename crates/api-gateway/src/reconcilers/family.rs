//! Families: a split task learns how many of its subtasks have ended, and subtasks whose parent has ended, or
//! begun another attempt, are cancelled.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use service_runtime::database::StoreError;

use super::nudge::Scope;
use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::family::{FamilyRow, find_orphans, find_uncounted, list_produced};
use crate::tasks::store::read::claim_tasks;
use crate::tasks::task::Task;

/// Most tasks of one transaction.
const BATCH: i64 = 200;

/// See the module.
pub(crate) struct Family {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long an ended subtask may go uncounted if nobody calls.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Family {
    const NAME: &'static str = "family";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.service.nudges().family.called().await;
    }

    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError> {
        let parents: Option<Vec<TaskId>> = match (everywhere, self.service.nudges().family.take()) {
            (false, Scope::Places(parents)) => Some(parents.into_iter().collect()),
            (true, _) | (_, Scope::Everywhere) => None,
        };
        let counted = count_subtasks(&self.service, parents.as_deref()).await?;
        let cancelled = cancel_orphans(&self.service, parents.as_deref()).await?;
        let full = counted.max(cancelled) == BATCH.unsigned_abs() as usize;
        Ok(if full { Pass::More } else { Pass::Settled { next: None } })
    }
}

/// Tells parents how many of their subtasks have ended, up to a batch of them; tells how many.
pub(crate) async fn count_subtasks(
    service: &TaskService,
    parents: Option<&[TaskId]>,
) -> Result<usize, StoreError> {
    let mut conn = service.connection().await?;
    let families = find_uncounted(&mut conn, parents, BATCH).await?;
    if families.is_empty() {
        return Ok(0);
    }
    let ids: Vec<TaskId> = families.iter().map(|row| TaskId(row.task_id)).collect();
    let committed = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let claimed = claim_tasks(conn, &ids).await?;
            // Counted anew under the lock: the parent may have begun another attempt since.
            let families = find_uncounted(conn, Some(&ids), BATCH).await?;
            let mut produced = list_produced(conn, &complete(&families, &claimed)).await?;
            let mut changes = ChangeSet::new(service.rules(), service.now(), claimed);
            for family in families {
                let id = TaskId(family.task_id);
                let artifacts = produced.remove(&id).unwrap_or_default();
                let (completed, failed) = (count(family.completed), count(family.failed));
                let input = Input::SubtasksCounted { completed, failed, artifacts };
                changes.apply(id, &input, &Cause::ours("subtasks.counted"))?;
            }
            changes.write(conn).await
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(ids.len())
}

/// The parents all of whose subtasks have completed.
fn complete(families: &[FamilyRow], parents: &[Task]) -> Vec<TaskId> {
    let planned: HashMap<TaskId, u32> =
        parents.iter().map(|parent| (parent.submission.id, parent.subtasks.total)).collect();
    let ids = families.iter().map(|family| (TaskId(family.task_id), count(family.completed)));
    ids.filter(|(id, completed)| planned.get(id) == Some(completed)).map(|(id, _)| id).collect()
}

fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// Cancels subtasks that nobody waits for any more, up to a batch of them; tells how many.
pub(crate) async fn cancel_orphans(
    service: &TaskService,
    parents: Option<&[TaskId]>,
) -> Result<usize, StoreError> {
    let mut conn = service.connection().await?;
    let orphans = find_orphans(&mut conn, parents, BATCH).await?;
    if orphans.is_empty() {
        return Ok(0);
    }
    let committed = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let claimed = claim_tasks(conn, &orphans).await?;
            let ids: Vec<TaskId> = claimed.iter().map(|task| task.submission.id).collect();
            let mut changes = ChangeSet::new(service.rules(), service.now(), claimed);
            for id in ids {
                let reason = "the task it is part of goes on without it".to_owned();
                let cause = Cause { note: Some(reason.clone()), ..Cause::ours("parent.ended") };
                changes.apply(id, &Input::Cancel { reason }, &cause)?;
            }
            changes.write(conn).await
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(orphans.len())
}
