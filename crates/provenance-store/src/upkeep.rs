//! Forgets what no longer matters. Runs now and then, in small portions, on every replica: deleting twice is harmless.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use messaging::inbox;
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::settings::RetentionSettings;

/// Rows deleted in one statement.
const PORTION: i64 = 5_000;

/// Runs until `stop`.
pub(crate) async fn run(
    pool: Pool,
    settings: RetentionSettings,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut ticks = interval(Duration::from_secs(settings.sweep_every_seconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match forget(&pool, &settings, clock.as_ref()).await {
            Ok(0) => {}
            Ok(deleted) => debug!(deleted, "ids of old events forgotten"),
            Err(error) => warn!(%error, "old rows could not be deleted; the next round will"),
        }
    }
}

/// Deletes what is too old; returns how many rows that were.
async fn forget(pool: &Pool, settings: &RetentionSettings, clock: &dyn Clock) -> Result<usize, StoreError> {
    let before = clock.now() - TimeDelta::days(i64::from(settings.inbox_days));
    let mut deleted = 0;
    loop {
        let mut connection = pool.get().await?;
        let portion = inbox::delete_before(&mut connection, before, PORTION).await?;
        deleted += portion;
        if i64::try_from(portion).unwrap_or(i64::MAX) < PORTION {
            return Ok(deleted);
        }
    }
}
