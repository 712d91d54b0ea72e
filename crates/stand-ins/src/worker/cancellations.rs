//! What the gateway cancelled: stops work that is under way, and skips work that is cancelled before it begins.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::TaskId;
use tokio_util::sync::CancellationToken;

/// Cancelled attempts remembered for deliveries that have yet to come.
const REMEMBERED: usize = 1_000;

#[derive(Default)]
struct State {
    under_way: HashMap<(TaskId, u32), CancellationToken>,
    cancelled: VecDeque<(TaskId, u32)>,
}

/// Shared by the work under way and the listener for `task.cancelled`.
#[derive(Default)]
pub(super) struct Cancellations(Mutex<State>);

impl Cancellations {
    /// A token that tells when this attempt is cancelled; at once if it already is.
    pub(super) fn watch(&self, task_id: TaskId, attempt: u32) -> CancellationToken {
        let mut state = self.lock();
        let token = CancellationToken::new();
        if state.cancelled.contains(&(task_id, attempt)) {
            token.cancel();
        }
        state.under_way.insert((task_id, attempt), token.clone());
        token
    }

    /// The attempt is over.
    pub(super) fn forget(&self, task_id: TaskId, attempt: u32) {
        self.lock().under_way.remove(&(task_id, attempt));
    }

    /// Takes note of a `task.cancelled`. One that names no attempt only stops what is under way: remembering it
    /// would also stop a later attempt that somebody asked for.
    pub(super) fn note(&self, task_id: TaskId, attempt: Option<u32>) {
        let mut state = self.lock();
        for ((task, number), token) in &state.under_way {
            if *task == task_id && attempt.is_none_or(|cancelled| cancelled == *number) {
                token.cancel();
            }
        }
        if let Some(attempt) = attempt {
            if state.cancelled.len() == REMEMBERED {
                state.cancelled.pop_front();
            }
            state.cancelled.push_back((task_id, attempt));
        }
    }

    /// Nothing here can panic half-way, so a poisoned lock still guards a consistent state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_that_overtakes_its_task_is_remembered_for_that_attempt_only() {
        let cancellations = Cancellations::default();
        let task = TaskId::generate();
        cancellations.note(task, Some(1));
        assert!(cancellations.watch(task, 1).is_cancelled());
        assert!(!cancellations.watch(task, 2).is_cancelled());
    }

    #[test]
    fn work_under_way_is_stopped_and_other_work_is_not() {
        let cancellations = Cancellations::default();
        let (task, other) = (TaskId::generate(), TaskId::generate());
        let (token, untouched) = (cancellations.watch(task, 1), cancellations.watch(other, 1));
        cancellations.note(task, None);
        assert!(token.is_cancelled());
        assert!(!untouched.is_cancelled());
    }
}
