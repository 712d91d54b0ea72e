//! Workers: who takes tasks from the tiers' queues, as far as their events tell. Workers send no heartbeats, so one
//! that has nothing to do is silent. What is heard is collected in memory and written every few seconds: it is for
//! operators to look at, and no event waits for it.

mod sightings;
pub(crate) mod store;

pub(crate) use sightings::{Heard, WorkerSightings};

use chrono::{TimeDelta, Utc};
use protocol::vocabulary::Tier;
use protocol::{TaskId, Timestamp};
use service_runtime::database::StoreError;

use crate::tasks::TaskService;

/// How a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerStatus {
    /// It works on a task.
    Active,
    /// It was heard lately.
    Idle,
    /// It was not heard for a while.
    Offline,
}

impl WorkerStatus {
    /// All words, as they are shown.
    pub const WORDS: &'static [&'static str] = &["active", "idle", "offline"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Offline => "offline",
        }
    }
}

/// A worker that was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// As it names itself.
    pub worker_id: String,
    /// How it is.
    pub status: WorkerStatus,
    /// The tier of what it did last.
    pub tier: Option<Tier>,
    /// The task that it works on.
    pub current_task: Option<TaskId>,
    /// Tasks that were completed with its output.
    pub tasks_completed: u64,
    /// When it was heard last.
    pub last_seen_at: Timestamp,
}

/// The workers, the last heard first, up to a thousand of them; those that work count as heard for as long as they do.
///
/// # Errors
/// When the store does not answer.
pub async fn list_workers(service: &TaskService, offline_seconds: u64) -> Result<Vec<Worker>, StoreError> {
    let silence = TimeDelta::seconds(i64::try_from(offline_seconds).unwrap_or(i64::MAX / 1_000));
    let heard_since = chrono::DateTime::<Utc>::checked_sub_signed(service.now(), silence).unwrap_or_default();
    let mut conn = service.connection().await?;
    let rows = store::list_workers(&mut conn).await?;
    let worker = |row: store::WorkerRow| Worker {
        status: match row.current_task {
            Some(_) => WorkerStatus::Active,
            None if row.last_seen_at >= heard_since => WorkerStatus::Idle,
            None => WorkerStatus::Offline,
        },
        worker_id: row.worker_id,
        tier: row.tier.map(Into::into),
        current_task: row.current_task.map(TaskId),
        tasks_completed: row.tasks_completed.unsigned_abs(),
        last_seen_at: row.last_seen_at.into(),
    };
    Ok(rows.into_iter().map(worker).collect())
}
