//! Writes entries of the audit log as they come, and reads them.

use async_trait::async_trait;
use service_runtime::database::{Pool, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::entry::{AuditEntry, AuditFilter, AuditPage};
use super::store;
use crate::group_commit::{BatchWriter, Collector, CollectorSettings};

const SETTINGS: CollectorSettings = CollectorSettings { capacity: 4096, max_batch: 256, writers: 1 };

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    pool: Pool,
    collector: Collector<Writer>,
    enabled: bool,
}

impl Recorder {
    /// The recorder, and the loop that writes, for the caller to spawn; it ends after `stop`. Without `enabled`
    /// nothing is recorded.
    pub(crate) fn new(
        pool: Pool,
        enabled: bool,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (collector, run) = Collector::new(SETTINGS, Writer { pool: pool.clone() }, stop);
        (Self { pool, collector, enabled }, run)
    }

    /// Whether anything is recorded.
    pub(crate) const fn is_on(&self) -> bool {
        self.enabled
    }

    /// Records a call and returns when that is durable. The call has happened already: an entry that cannot be
    /// stored goes to the log instead.
    pub(crate) async fn record(&self, entry: AuditEntry) {
        if !self.enabled {
            return;
        }
        match self.collector.write(entry.clone()).await {
            Ok(true) => {}
            Ok(false) | Err(_) => warn!(
                caller.id = entry.caller,
                http.request.method = entry.method,
                url.path = entry.path,
                http.response.status_code = entry.status,
                trace.id = %entry.trace_id,
                "a changing call is missing in the audit log"
            ),
        }
    }

    /// Up to `limit` entries, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn list(&self, filter: &AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
        Ok(store::list(&mut *self.pool.get().await?, filter, limit).await?)
    }
}

struct Writer {
    pool: Pool,
}

#[async_trait]
impl BatchWriter for Writer {
    type Item = AuditEntry;
    /// Whether it is stored.
    type Answer = bool;

    async fn write(&self, batch: Vec<AuditEntry>) -> Vec<bool> {
        let written = async {
            let conn = self.pool.get().await?;
            Ok::<_, StoreError>(store::insert_entries(&conn, &batch).await?)
        };
        let is_stored = match written.await {
            Ok(()) => true,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                warn!(error, entries = batch.len(), "the audit log could not be written");
                false
            }
        };
        vec![is_stored; batch.len()]
    }
}
