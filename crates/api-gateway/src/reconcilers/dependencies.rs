//! Dependencies: unblocks tasks when all they wait for is completed, and fails those that wait in vain.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use protocol::TaskId;
use protocol::vocabulary::TaskStatus;
use service_runtime::database::StoreError;

use super::nudge::Scope;
use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::dependencies::{Wait, find_decided, list_waits};
use crate::tasks::store::read::claim_tasks;

/// Most tasks of one transaction.
const BATCH: i64 = 200;

/// See the module.
pub(crate) struct Dependencies {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long a decided wait may go unnoticed if nobody calls.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Dependencies {
    const NAME: &'static str = "dependencies";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.service.nudges().dependencies.called().await;
    }

    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError> {
        let scope = self.service.nudges().dependencies.take();
        let ended: Option<Vec<TaskId>> = match (everywhere, scope) {
            (false, Scope::Places(ended)) => Some(ended.into_iter().collect()),
            (true, _) | (_, Scope::Everywhere) => None,
        };
        let decided = release_decided_tasks(&self.service, ended.as_deref()).await?;
        Ok(if decided == BATCH.unsigned_abs() as usize { Pass::More } else { Pass::Settled { next: None } })
    }
}

/// Releases or fails blocked tasks whose wait is decided, up to a batch of them; tells how many.
pub(crate) async fn release_decided_tasks(
    service: &TaskService,
    ended: Option<&[TaskId]>,
) -> Result<usize, StoreError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let candidates = find_decided(&mut conn, ended, BATCH).await?;
    if candidates.is_empty() {
        return Ok(0);
    }
    let (released, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let mut changes = ChangeSet::new(service.rules(), now, claim_tasks(conn, &candidates).await?);
            let mut released = 0;
            for (id, waits) in waits_by_task(conn, &candidates).await? {
                let Some((input, cause)) = decision(&waits) else { continue };
                if changes.knows(id) {
                    changes.apply(id, &input, &cause)?;
                    released += 1;
                }
            }
            Ok((released, changes.write(conn).await?))
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(released)
}

async fn waits_by_task(
    conn: &mut AsyncPgConnection,
    candidates: &[TaskId],
) -> QueryResult<BTreeMap<TaskId, Vec<Wait>>> {
    let mut by_task: BTreeMap<TaskId, Vec<Wait>> = BTreeMap::new();
    for wait in list_waits(conn, candidates).await? {
        by_task.entry(wait.task_id).or_default().push(wait);
    }
    Ok(by_task)
}

/// What the waits of one task come to, if they come to anything yet.
fn decision(waits: &[Wait]) -> Option<(Input, Cause)> {
    let failed = waits.iter().find(|wait| matches!(wait.status, TaskStatus::Failed | TaskStatus::Cancelled));
    if let Some(wait) = failed {
        let input = Input::DependencyFailed { dependency: wait.depends_on, status: wait.status };
        return Some((input, Cause::ours("dependency.failed")));
    }
    waits
        .iter()
        .all(|wait| wait.status == TaskStatus::Completed)
        .then(|| (Input::DependenciesCompleted, Cause::ours("dependencies.completed")))
}
