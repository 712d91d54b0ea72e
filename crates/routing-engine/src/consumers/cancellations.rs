//! Which task attempts were cancelled, as far as this process heard: routing in progress stops, and an attempt
//! whose cancellation arrived first is not begun. Best effort: what slips through is ignored by the gateway.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::TaskId;
use service_runtime::clock::Clock;
use tokio_util::sync::CancellationToken;

/// How long a cancellation is remembered that found nothing in progress.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(10);
/// Most cancellations remembered; the oldest go first.
const MOST_KEPT: usize = 10_000;

/// Shared by everything that routes.
pub struct Cancellations {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: HashMap<TaskId, Vec<Running>>,
    next_serial: u64,
    /// The last attempt that was cancelled. A later one was asked for afterwards, and is not meant.
    cancelled: HashMap<TaskId, u32>,
    heard: VecDeque<(DateTime<Utc>, TaskId)>,
}

struct Running {
    serial: u64,
    attempt: u32,
    token: CancellationToken,
}

/// An attempt that is being routed; dropping it says that it no longer is.
pub struct InProgress {
    cancellations: Arc<Cancellations>,
    task_id: TaskId,
    serial: u64,
    token: CancellationToken,
}

impl Cancellations {
    /// Nothing cancelled, nothing in progress.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    /// Says that an attempt is being routed from now on; `None` if it was cancelled already.
    #[must_use]
    pub fn begin(self: &Arc<Self>, task_id: TaskId, attempt: u32) -> Option<InProgress> {
        let mut state = self.lock();
        if state.cancelled.get(&task_id).is_some_and(|&last| attempt <= last) {
            return None;
        }
        let serial = state.next_serial;
        state.next_serial += 1;
        let token = CancellationToken::new();
        state.running.entry(task_id).or_default().push(Running { serial, attempt, token: token.clone() });
        drop(state);
        Some(InProgress { cancellations: Arc::clone(self), task_id, serial, token })
    }

    /// Stops what is in progress for the task up to `attempt`, and keeps it from beginning. Without an attempt
    /// only what is in progress is meant: there may be a later one already.
    pub fn cancel(&self, task_id: TaskId, attempt: Option<u32>) {
        let now = self.clock.now();
        let mut state = self.lock();
        for running in state.running.get(&task_id).into_iter().flatten() {
            if attempt.is_none_or(|last| running.attempt <= last) {
                running.token.cancel();
            }
        }
        if let Some(attempt) = attempt {
            let last = state.cancelled.entry(task_id).or_default();
            *last = attempt.max(*last);
            state.heard.push_back((now, task_id));
        }
        state.forget_before(now - KEPT_FOR);
    }

    /// Every change leaves the state complete, so a panic elsewhere cannot have broken it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_before(&mut self, oldest: DateTime<Utc>) {
        while let Some(&(heard_at, task_id)) = self.heard.front() {
            if heard_at >= oldest && self.heard.len() <= MOST_KEPT {
                return;
            }
            self.heard.pop_front();
            self.cancelled.remove(&task_id);
        }
    }
}

impl InProgress {
    /// Resolves when the attempt was cancelled.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut state = self.cancellations.lock();
        if let Some(running) = state.running.get_mut(&self.task_id) {
            running.retain(|running| running.serial != self.serial);
            if running.is_empty() {
                state.running.remove(&self.task_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use service_runtime::clock::ManualClock;

    use super::*;

    fn cancellations() -> (Arc<Cancellations>, ManualClock) {
        let clock = ManualClock::at("2026-11-21T02:00:00Z".parse().unwrap());
        (Cancellations::new(Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_cancellation_stops_what_is_in_progress_and_only_that_task() {
        let (cancellations, _) = cancellations();
        let (task, other) = (TaskId::generate(), TaskId::generate());
        let running = cancellations.begin(task, 1).unwrap();
        let beside = cancellations.begin(other, 1).unwrap();
        cancellations.cancel(task, None);
        assert!(running.is_cancelled());
        assert!(!beside.is_cancelled());
    }

    #[test]
    fn an_attempt_whose_cancellation_came_first_does_not_begin_but_a_later_one_does() {
        let (cancellations, _) = cancellations();
        let task = TaskId::generate();
        cancellations.cancel(task, Some(2));
        assert!(cancellations.begin(task, 1).is_none());
        assert!(cancellations.begin(task, 2).is_none());
        let retried = cancellations.begin(task, 3).unwrap();
        cancellations.cancel(task, Some(2));
        assert!(!retried.is_cancelled(), "a repeated cancellation does not reach a later attempt");
    }

    #[test]
    fn memory_of_cancellations_ends_by_time_and_by_number() {
        let (cancellations, clock) = cancellations();
        let task = TaskId::generate();
        cancellations.cancel(task, Some(1));
        clock.advance(Duration::from_secs(601));
        cancellations.cancel(TaskId::generate(), Some(1));
        assert!(cancellations.begin(task, 1).is_some());
        for _ in 0..MOST_KEPT + 100 {
            cancellations.cancel(TaskId::generate(), Some(1));
        }
        assert_eq!(cancellations.lock().cancelled.len(), MOST_KEPT);
    }

    #[test]
    fn nothing_is_kept_of_what_ended() {
        let (cancellations, _) = cancellations();
        let task = TaskId::generate();
        let (first, second) = (cancellations.begin(task, 1), cancellations.begin(task, 1));
        drop(first);
        assert_eq!(cancellations.lock().running.len(), 1);
        drop(second);
        assert!(cancellations.lock().running.is_empty());
    }
}
