//! Rollbacks: runs the tasks again that a rollback lists, portion by portion.

use std::time::Duration;

use async_trait::async_trait;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::trust::rollbacks::reopen_tasks;

/// Most tasks of one transaction.
const BATCH: i64 = 100;

/// See the module.
pub(crate) struct Rollbacks {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long a task may go unnoticed if nobody calls.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Rollbacks {
    const NAME: &'static str = "rollbacks";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.service.nudges().rollbacks.called().await;
    }

    async fn pass(&mut self, _: bool) -> Result<Pass, StoreError> {
        self.service.nudges().rollbacks.take();
        let looked_at = reopen_tasks(&self.service, BATCH).await?;
        Ok(if looked_at > 0 { Pass::More } else { Pass::Settled { next: None } })
    }
}
