//! Timers: every task has at most one, and what it means is for the life cycle to say.

use std::time::Duration;

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::read::{claim_due_tasks, find_next_due};

/// Most timers of one transaction.
const BATCH: i64 = 200;

/// See the module.
pub(crate) struct Timers {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long a timer that was set meanwhile may go unnoticed.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Timers {
    const NAME: &'static str = "timers";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        if fire_due_timers(&self.service).await? == BATCH.unsigned_abs() as usize {
            return Ok(Pass::More);
        }
        let mut conn = self.service.connection().await?;
        let due = find_next_due(&mut conn).await?;
        let now = self.service.now();
        crate::metrics::overdue_by(due.and_then(|due| (now - due).to_std().ok()).unwrap_or_default());
        let next = due.map(|due| (due - now).to_std().unwrap_or_default());
        // Others may hold what is due now; asking in a tight loop would not make them faster.
        Ok(Pass::Settled { next: next.map(|next| next.max(Duration::from_millis(10))) })
    }
}

/// Lets the timers go off that are due, up to a batch of them; tells how many.
pub(crate) async fn fire_due_timers(service: &TaskService) -> Result<usize, StoreError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let (fired, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let due = claim_due_tasks(conn, now, BATCH).await?;
            let ids: Vec<_> = due.iter().map(|task| task.submission.id).collect();
            let mut changes = ChangeSet::new(service.rules(), now, due);
            for &id in &ids {
                changes.apply(id, &Input::TimerDue, &Cause::ours("timer.due"))?;
            }
            Ok((ids.len(), changes.write(conn).await?))
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(fired)
}
