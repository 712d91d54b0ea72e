//! Retention: forgets what is older than anybody needs, in small batches.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use messaging::inbox;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;

/// Most rows of one transaction.
const BATCH: i64 = 1000;

/// See the module.
pub(crate) struct Retention {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How often to look.
    pub(crate) interval: Duration,
    /// How long ids of applied events are remembered.
    pub(crate) inbox_days: u32,
}

#[async_trait]
impl Reconciler for Retention {
    const NAME: &'static str = "retention";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        let before = self.service.now() - TimeDelta::days(self.inbox_days.into());
        let mut conn = self.service.connection().await?;
        let forgotten = inbox::delete_before(&mut conn, before, BATCH).await?;
        let full = forgotten == BATCH.unsigned_abs() as usize;
        Ok(if full { Pass::More } else { Pass::Settled { next: None } })
    }
}
