//! Keeps the numbers fresh from which completion times are estimated. They live in memory: an estimate may be a
//! few seconds old, and no request waits for it.

use std::time::Duration;

use async_trait::async_trait;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::projects::store::list_waiting_projects;
use crate::tasks::TaskService;
use crate::tasks::store::durations::list_durations;

/// See the module.
pub(crate) struct Forecast {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How old the numbers may be.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Forecast {
    const NAME: &'static str = "forecast";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        refresh_estimates(&self.service).await?;
        Ok(Pass::Settled { next: None })
    }
}

/// Reads the measured durations and the queues anew.
pub(crate) async fn refresh_estimates(service: &TaskService) -> Result<(), StoreError> {
    let mut conn = service.connection().await?;
    let durations = list_durations(&mut conn).await?;
    let projects = list_waiting_projects(&mut conn).await?;
    let limit = service.default_limit();
    let queues = projects.into_iter().map(|row| {
        let slots = row.max_concurrent.map_or(f64::from(limit), f64::from);
        (row.project_id, row.waiting as f64 / slots.max(1.0))
    });
    service.estimates().replace(durations, queues);
    Ok(())
}
