//! What is done now and then, on every replica: old rows are forgotten in small portions, which may happen twice, and
//! checkpoints are made where one is due by time.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::AsyncConnection;
use messaging::{OutboxRelay, inbox, outbox};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::policy::Policy;
use crate::settings::RetentionSettings;
use crate::{checkpoints, writer_lock};

/// Rows deleted in one statement.
const PORTION: i64 = 5_000;

/// See the module.
pub(crate) struct Upkeep {
    pub(crate) pool: Pool,
    pub(crate) relay: OutboxRelay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Policy,
    pub(crate) settings: RetentionSettings,
}

impl Upkeep {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(Duration::from_secs(self.settings.sweep_every_seconds));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.forget().await {
                Ok(0) => {}
                Ok(deleted) => debug!(deleted, "ids of old events forgotten"),
                Err(error) => warn!(%error, "old rows could not be deleted; the next round will"),
            }
            if let Err(error) = self.take_checkpoints().await {
                warn!(%error, "checkpoints could not be made; the next round will");
            }
        }
    }

    /// Deletes what is too old; returns how many rows that were.
    async fn forget(&self) -> Result<usize, StoreError> {
        let before = self.clock.now() - TimeDelta::days(i64::from(self.settings.inbox_days));
        let mut deleted = 0;
        loop {
            let mut connection = self.pool.get().await?;
            let portion = inbox::delete_before(&mut connection, before, PORTION).await?;
            deleted += portion;
            if i64::try_from(portion).unwrap_or(i64::MAX) < PORTION {
                return Ok(deleted);
            }
        }
    }

    async fn take_checkpoints(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.get().await?;
        let made = connection
            .transaction::<_, diesel::result::Error, _>(async |conn| {
                writer_lock::acquire(conn).await?;
                let made = checkpoints::take_overdue(conn, self.policy.checkpoints, self.clock.now()).await?;
                outbox::insert(conn, &made).await?;
                Ok(made)
            })
            .await?;
        drop(connection);
        self.relay.dispatch(made);
        Ok(())
    }
}
