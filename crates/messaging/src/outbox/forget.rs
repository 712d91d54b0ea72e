//! Deletes the rows of confirmed events, many at a time. Nobody waits for it, so it lets a few confirms gather; while
//! the database is away it keeps the ids and tries again.

use std::sync::Arc;
use std::time::Duration;

use service_runtime::backoff::Backoff;
use service_runtime::database::Pool;
use tokio::sync::mpsc;
use tracing::warn;
use uuid::Uuid;

use super::memory::Memory;
use super::store;
use crate::publisher::Settled;

/// Most rows deleted by one statement.
const MOST_ROWS: usize = 1000;
/// How long confirms gather.
const GATHER: Duration = Duration::from_millis(25);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Forgetter {
    pool: Pool,
    memory: Arc<Memory>,
}

impl Forgetter {
    pub(super) fn new(pool: Pool, memory: Arc<Memory>) -> Self {
        Self { pool, memory }
    }

    /// Ends when every event is settled and its sender gone.
    pub(super) async fn run(self, mut settled: mpsc::UnboundedReceiver<Settled>) {
        let mut results = Vec::with_capacity(MOST_ROWS);
        while settled.recv_many(&mut results, MOST_ROWS).await > 0 {
            if results.len() < MOST_ROWS {
                tokio::time::sleep(GATHER).await;
                while results.len() < MOST_ROWS
                    && let Ok(result) = settled.try_recv()
                {
                    results.push(result);
                }
            }
            let (confirmed, refused): (Vec<_>, Vec<_>) =
                results.drain(..).partition(|(_, outcome)| outcome.is_ok());
            // Refused ones keep their rows: the sweeper tries them again.
            let refused: Vec<Uuid> = refused.into_iter().map(|(token, _)| Uuid::from_u128(token)).collect();
            self.memory.release(&refused);
            let confirmed: Vec<Uuid> =
                confirmed.into_iter().map(|(token, _)| Uuid::from_u128(token)).collect();
            if !confirmed.is_empty() {
                self.delete(&confirmed).await;
                self.memory.release(&confirmed);
            }
        }
    }

    /// Until it succeeds: these events are published, and their rows would be published again.
    async fn delete(&self, ids: &[Uuid]) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut failures = 0_u32;
        while let Err(error) = self.try_delete(ids).await {
            failures = failures.saturating_add(1);
            if failures.is_power_of_two() {
                warn!(rows = ids.len(), failures, "published events stay in the outbox for now: {error}");
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    async fn try_delete(&self, ids: &[Uuid]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut connection = self.pool.get().await?;
        store::delete(&mut connection, ids).await?;
        Ok(())
    }
}
