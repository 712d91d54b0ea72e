//! Retention: forgets what is older than anybody needs, in small batches.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use messaging::inbox;
use service_runtime::database::StoreError;
use tracing::warn;

use super::schedule::{Pass, Reconciler};
use crate::settings::RetentionSettings;
use crate::tasks::TaskService;
use crate::tasks::store::history;
use crate::trust::store::standings;
use crate::{audit, idempotency};

/// Most rows of one transaction.
const BATCH: i64 = 1000;

/// See the module.
pub(crate) struct Retention {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How often to look.
    pub(crate) interval: Duration,
    /// How long idempotency keys are kept.
    pub(crate) idempotency_keep: Duration,
    /// How long other things are kept.
    pub(crate) settings: RetentionSettings,
    /// The line of the histories that the walk has come to; 0 before its first step.
    pub(crate) history_walk: i64,
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
        let mut conn = self.service.connection().await?;
        let given_up = standings::give_up(&mut conn, self.service.now(), BATCH).await?;
        for (event, artifact) in &given_up {
            warn!(event.id = %event, artifact.id = artifact, "Nobody answered that this is wrong; it holds no task any longer");
        }
        let forgotten = [
            given_up.len(),
            inbox::delete_before(&mut conn, self.days_ago(self.settings.inbox_days), BATCH).await?,
            audit::delete_before(&mut conn, self.days_ago(self.settings.audit_days), BATCH).await?,
            idempotency::delete_before(&mut conn, self.keys_before(), BATCH).await?,
            standings::delete_before(&mut conn, self.days_ago(self.settings.inbox_days), BATCH).await?,
        ];
        let full = forgotten.iter().any(|rows| *rows >= BATCH.unsigned_abs() as usize);
        let walks_on = self.walk_histories(&mut conn).await?;
        Ok(if full || walks_on { Pass::More } else { Pass::Settled { next: None } })
    }
}

impl Retention {
    /// One step through the old lines of the histories; whether there are more. The next walk begins at the oldest
    /// line again: tasks have ended since that were under way.
    async fn walk_histories(&mut self, conn: &mut AsyncPgConnection) -> Result<bool, StoreError> {
        let before = self.days_ago(self.settings.history_days);
        let walked = history::delete_before(conn, before, self.history_walk, BATCH).await?;
        let walks_on = walked.passed >= BATCH;
        self.history_walk = walked.last.filter(|_| walks_on).unwrap_or_default();
        Ok(walks_on)
    }

    fn keys_before(&self) -> DateTime<Utc> {
        self.service.now() - TimeDelta::from_std(self.idempotency_keep).unwrap_or(TimeDelta::MAX)
    }

    fn days_ago(&self, days: u32) -> DateTime<Utc> {
        self.service.now() - TimeDelta::days(days.into())
    }
}
