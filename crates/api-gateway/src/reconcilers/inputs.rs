//! Inputs: lets tasks go on that were held because of a tainted input, once it is good again.

use std::time::Duration;

use async_trait::async_trait;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::trust::release::release_unheld_tasks;

/// Most tasks of one transaction.
const BATCH: i64 = 200;

/// See the module.
pub(crate) struct Inputs {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long a task may go unnoticed if nobody calls.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Inputs {
    const NAME: &'static str = "inputs";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.service.nudges().inputs.called().await;
    }

    async fn pass(&mut self, _: bool) -> Result<Pass, StoreError> {
        self.service.nudges().inputs.take();
        let released = release_unheld_tasks(&self.service, BATCH).await?;
        Ok(if released == BATCH.unsigned_abs() as usize { Pass::More } else { Pass::Settled { next: None } })
    }
}
