//! Workers: writes down what this replica has heard of them, and forgets those that nobody has heard for long.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;
use crate::workers::store::{delete_before, record_workers};

/// Most workers forgotten in one pass.
const FORGOTTEN: i64 = 1_000;

/// See the module.
pub(crate) struct Workers {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How old what is written may be.
    pub(crate) interval: Duration,
    /// How long a worker is remembered.
    pub(crate) forget_after_seconds: u64,
}

#[async_trait]
impl Reconciler for Workers {
    const NAME: &'static str = "workers";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        let mut conn = self.service.connection().await?;
        let heard = self.service.workers().take();
        if !heard.is_empty() {
            record_workers(&mut conn, &heard).await?;
        }
        let silence = i64::try_from(self.forget_after_seconds).ok().and_then(TimeDelta::try_seconds);
        if let Some(before) = silence.and_then(|silence| self.service.now().checked_sub_signed(silence)) {
            delete_before(&mut conn, before, FORGOTTEN).await?;
        }
        Ok(Pass::Settled { next: None })
    }
}
