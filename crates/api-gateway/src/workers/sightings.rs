//! What was heard of workers since it was last written. Bounded: beyond some thousand workers newcomers wait for the
//! next round.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use protocol::TaskId;
use protocol::vocabulary::Tier;

use crate::tasks::lifecycle::Input;
use crate::tasks::task::Task;

/// Workers remembered between two rounds.
const MOST_WORKERS: usize = 10_000;
/// Most characters of a worker's name; a longer one is not kept.
const MOST_NAME_CHARS: usize = 255;

/// One thing that was heard of a worker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    worker_id: String,
    tier: Option<Tier>,
    /// What it works on, where that changed.
    current_task: Option<Option<TaskId>>,
    completed: i64,
    at: DateTime<Utc>,
}

impl Heard {
    /// What a change of a task tells of a worker, if anything. Agents have a registry of their own.
    pub(crate) fn of(before: &Task, after: &Task, input: &Input, now: DateTime<Utc>) -> Option<Self> {
        if after.is_for_agent() {
            return None;
        }
        let id = after.submission.id;
        let worker = |task: &Task| task.work.worker_id.clone();
        let completed = after.status != before.status && after.completed_with_output();
        let (worker_id, current_task) = match input {
            Input::Started { .. } | Input::Progress { .. } => (worker(after), Some(Some(id))),
            Input::Output(_) => (worker(after), Some(None)),
            Input::Failed(failed) => (failed.worker_id.clone().or_else(|| worker(before)), Some(None)),
            _ if completed => (worker(after), None),
            _ => return None,
        };
        let worker_id = worker_id.filter(|name| (1..=MOST_NAME_CHARS).contains(&name.chars().count()))?;
        let tier = after.tier.clone().or_else(|| after.submission.options.tier.clone());
        Some(Self { worker_id, tier, current_task, completed: i64::from(completed), at: now })
    }
}

/// What was heard of one worker, taken together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sighting {
    pub(super) tier: Option<Tier>,
    pub(super) current_task: Option<Option<TaskId>>,
    pub(super) completed: i64,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct WorkerSightings(Mutex<BTreeMap<String, Sighting>>);

impl WorkerSightings {
    /// Notes what was heard, in its order.
    pub(crate) fn note(&self, heard: Vec<Heard>) {
        if heard.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Heard { worker_id, tier, current_task, completed, at } in heard {
            if known.len() >= MOST_WORKERS && !known.contains_key(&worker_id) {
                continue;
            }
            let new = Sighting { tier: None, current_task: None, completed: 0, first_at: at, last_at: at };
            let sighting = known.entry(worker_id).or_insert(new);
            sighting.tier = tier.or_else(|| sighting.tier.take());
            sighting.current_task = current_task.or(sighting.current_task);
            sighting.completed += completed;
            sighting.last_at = sighting.last_at.max(at);
        }
    }

    /// Everything that was heard, which is forgotten here.
    pub(crate) fn take(&self) -> BTreeMap<String, Sighting> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
