//! The jobs an agent has: which are under way, and which it was asked to cancel. For one that obeys, those under way
//! stop then, and those yet to come do not begin.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Shared by the jobs, the heartbeats and those who bring cancellations.
#[derive(Default)]
pub(super) struct Jobs(Mutex<State>);

#[derive(Default)]
struct State {
    begun: u32,
    under_way: BTreeMap<u32, (Uuid, CancellationToken)>,
    /// Grows with every cancellation; a stand-in does not live long enough to mind.
    cancelled: HashSet<Uuid>,
}

/// A job under way.
pub(super) struct Begun {
    /// Its number, counting from 1.
    pub(super) number: u32,
    /// Tells when it is cancelled.
    pub(super) cancelled: CancellationToken,
}

impl Jobs {
    pub(super) fn begin(&self, task_id: Uuid) -> Begun {
        let mut state = self.lock();
        state.begun += 1;
        let cancelled = CancellationToken::new();
        if state.cancelled.contains(&task_id) {
            cancelled.cancel();
        }
        let number = state.begun;
        state.under_way.insert(number, (task_id, cancelled.clone()));
        Begun { number, cancelled }
    }

    pub(super) fn end(&self, number: u32) {
        self.lock().under_way.remove(&number);
    }

    /// The task of the job that began first of those under way: what a heartbeat tells.
    pub(super) fn current(&self) -> Option<Uuid> {
        self.lock().under_way.values().next().map(|(task_id, _)| *task_id)
    }

    pub(super) fn cancel(&self, task_id: Uuid) {
        let mut state = self.lock();
        for (_, cancelled) in state.under_way.values().filter(|(job, _)| *job == task_id) {
            cancelled.cancel();
        }
        state.cancelled.insert(task_id);
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
    fn a_cancelled_job_stops_and_one_cancelled_before_it_came_does_not_begin() {
        let jobs = Jobs::default();
        let (task, other) = (Uuid::new_v4(), Uuid::new_v4());
        let (first, second) = (jobs.begin(task), jobs.begin(other));
        jobs.cancel(task);
        assert!(first.cancelled.is_cancelled() && !second.cancelled.is_cancelled());
        assert_eq!(jobs.current(), Some(task));
        jobs.end(first.number);
        assert_eq!(jobs.current(), Some(other));
        assert!(jobs.begin(task).cancelled.is_cancelled());
    }
}
