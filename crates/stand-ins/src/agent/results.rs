//! Results that an agent remembers by request id. One that comes again is answered with the first answer, whatever
//! task it names: so do the agents that are out there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

const KEPT_FOR: Duration = Duration::from_secs(300);
const MOST_KEPT: usize = 1_000;

/// The memory.
#[derive(Default)]
pub(super) struct Results(Mutex<State>);

#[derive(Default)]
struct State {
    results: HashMap<Uuid, Value>,
    ages: VecDeque<(Instant, Uuid)>,
}

impl Results {
    /// The result given for a request, if that was not too long ago.
    pub(super) fn find(&self, request_id: Uuid, now: Instant) -> Option<Value> {
        let mut state = self.lock();
        state.forget(now, MOST_KEPT);
        state.results.get(&request_id).cloned()
    }

    pub(super) fn keep(&self, request_id: Uuid, result: Value, now: Instant) {
        let mut state = self.lock();
        if state.results.insert(request_id, result).is_none() {
            state.ages.push_back((now, request_id));
        }
        state.forget(now, MOST_KEPT);
    }

    /// Nothing here can panic half-way, so a poisoned lock still guards a consistent state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant, most: usize) {
        while let Some(&(kept_at, request_id)) = self.ages.front() {
            if self.ages.len() <= most && now.saturating_duration_since(kept_at) < KEPT_FOR {
                return;
            }
            self.ages.pop_front();
            self.results.remove(&request_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_known_for_five_minutes_and_among_the_last_thousand() {
        let results = Results::default();
        let (start, id) = (Instant::now(), Uuid::new_v4());
        results.keep(id, json!("first"), start);
        assert_eq!(results.find(id, start + Duration::from_secs(299)), Some(json!("first")));
        assert_eq!(results.find(id, start + Duration::from_secs(300)), None);
        results.keep(id, json!("again"), start);
        for _ in 0..MOST_KEPT {
            results.keep(Uuid::new_v4(), json!("other"), start);
        }
        assert_eq!(results.find(id, start), None);
    }
}
