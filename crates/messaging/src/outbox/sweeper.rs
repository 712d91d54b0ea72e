//! Publishes what the fast path left behind: rows of a process that died between commit and confirm, rows that did
//! not fit into memory, rows the broker refused. Replicas share the work by leases; a row that two of them publish
//! all the same carries one id, which the inbox of its receivers recognises.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use service_runtime::database::Pool;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::OutboxSettings;
use super::relay::Feeder;
use super::store::{self, Depth};

/// Most rows claimed, and held in memory, at once.
const PAGE: i64 = 200;
/// Age of rows that the first sweep takes: whoever wrote them is probably the process this one replaces.
const FIRST_SWEEP_AGE: Duration = Duration::from_secs(1);
const MEASURE_EVERY: Duration = Duration::from_secs(10);

type SweepError = Box<dyn std::error::Error + Send + Sync>;

pub(super) struct Sweeper {
    pool: Pool,
    feeder: Arc<Feeder>,
    settings: OutboxSettings,
    swept: Counter,
    rows: Gauge,
    oldest_seconds: Gauge,
}

impl Sweeper {
    pub(super) fn new(pool: Pool, feeder: Arc<Feeder>, settings: OutboxSettings) -> Self {
        Self {
            pool,
            feeder,
            settings,
            swept: counter!(crate::metrics::OUTBOX_SWEPT),
            rows: gauge!(crate::metrics::OUTBOX_ROWS),
            oldest_seconds: gauge!(crate::metrics::OUTBOX_OLDEST_SECONDS),
        }
    }

    pub(super) async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.settings.sweep_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut age, mut measured_at, mut failing) = (FIRST_SWEEP_AGE, None, false);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let due = measured_at.is_none_or(|at: Instant| at.elapsed() >= MEASURE_EVERY);
            let turn = async {
                if due {
                    self.measure().await?;
                }
                self.sweep(age).await
            };
            let turn = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                turn = turn => turn,
            };
            match turn {
                Ok(swept) => {
                    measured_at = if due { Some(Instant::now()) } else { measured_at };
                    age = if swept { self.settings.sweep_after() } else { age };
                    failing = false;
                }
                Err(error) => {
                    if !failing {
                        warn!("the outbox cannot be swept now: {error}");
                    }
                    failing = true;
                }
            }
        }
    }

    /// Claims and publishes until nothing is left; false when there is no use in trying, because the broker takes
    /// nothing now.
    async fn sweep(&self, age: Duration) -> Result<bool, SweepError> {
        while self.feeder.publisher().health().is_good() {
            let claimed = {
                let mut connection = self.pool.get().await?;
                store::claim(&mut connection, age, self.settings.lease(), PAGE).await?
            };
            let found = claimed.len();
            let mut published = 0;
            for entry in claimed {
                // Those in memory are on their way already.
                if self.feeder.memory().admit_in_time(entry.id, entry.message.body.len()).await {
                    published += 1;
                    if !self.feeder.feed(entry).await {
                        return Ok(false);
                    }
                }
            }
            if published > 0 {
                self.swept.increment(published);
                info!(events = published, "published events that were left in the outbox");
            }
            if found < usize::try_from(PAGE)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn measure(&self) -> Result<(), SweepError> {
        let mut connection = self.pool.get().await?;
        let Depth { rows, oldest_seconds } = store::depth(&mut connection).await?;
        #[expect(clippy::cast_precision_loss, reason = "counted up to ten thousand")]
        self.rows.set(rows as f64);
        self.oldest_seconds.set(oldest_seconds);
        Ok(())
    }
}
