//! Circuit breaker. Closed: everything passes. After enough failures in a row it opens: nothing passes for a while.
//! Then one question probes: its success closes the breaker, its failure opens it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use service_runtime::clock::Clock;
use tracing::{info, warn};

use crate::measurements;

/// When it opens and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before it lets a probe through.
    pub rest: Duration,
}

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything passes; so many failures in a row were seen.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// Nothing passes.
    Open {
        /// When it opened.
        since: DateTime<Utc>,
    },
    /// One question is on its way; nothing else passes.
    Probing,
}

/// In which role a question was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Ordinary,
    Probe,
}

impl BreakerState {
    /// Whether a question may pass now, and the state after that.
    fn pass(self, settings: BreakerSettings, now: DateTime<Utc>) -> (Self, Option<Role>) {
        match self {
            Self::Closed { .. } => (self, Some(Role::Ordinary)),
            Self::Probing => (self, None),
            Self::Open { since } => {
                // A clock that was set back must not keep the breaker open for longer.
                let rested = (now - since).to_std().is_ok_and(|passed| passed < settings.rest);
                if rested { (self, None) } else { (Self::Probing, Some(Role::Probe)) }
            }
        }
    }

    /// A question that had passed in `role` went well. What was asked before the breaker opened says nothing
    /// about the service now, so only the probe closes it.
    const fn succeeded(self, role: Role) -> Self {
        match (self, role) {
            (_, Role::Probe) | (Self::Closed { .. }, Role::Ordinary) => Self::Closed { failures: 0 },
            (Self::Open { .. } | Self::Probing, Role::Ordinary) => self,
        }
    }

    /// A question that had passed in `role` failed.
    const fn failed(self, role: Role, settings: BreakerSettings, now: DateTime<Utc>) -> Self {
        match (self, role) {
            (_, Role::Probe) => Self::Open { since: now },
            (Self::Closed { failures }, Role::Ordinary) => {
                let failures = failures.saturating_add(1);
                if failures >= settings.failures {
                    Self::Open { since: now }
                } else {
                    Self::Closed { failures }
                }
            }
            (Self::Open { .. } | Self::Probing, Role::Ordinary) => self,
        }
    }

    /// A question that had passed in `role` was given up without an outcome. The next one may probe at once.
    const fn given_up(self, role: Role) -> Self {
        match role {
            Role::Probe => Self::Open { since: DateTime::<Utc>::MIN_UTC },
            Role::Ordinary => self,
        }
    }

    /// As a number for the metric.
    const fn as_gauge(self) -> f64 {
        match self {
            Self::Closed { .. } => 0.0,
            Self::Probing => 1.0,
            Self::Open { .. } => 2.0,
        }
    }
}

/// A breaker that several tasks share.
#[derive(Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

struct Shared {
    service: &'static str,
    settings: BreakerSettings,
    clock: Arc<dyn Clock>,
    state: Mutex<BreakerState>,
}

/// Leave to ask one question. Dropped without an outcome it counts as given up.
pub struct Permit {
    shared: Arc<Shared>,
    role: Option<Role>,
}

impl CircuitBreaker {
    /// A closed breaker for the service of that name.
    #[must_use]
    pub fn new(service: &'static str, settings: BreakerSettings, clock: Arc<dyn Clock>) -> Self {
        let state = BreakerState::Closed { failures: 0 };
        measurements::breaker_is(service, state.as_gauge());
        Self { shared: Arc::new(Shared { service, settings, clock, state: Mutex::new(state) }) }
    }

    /// Leave to ask, or `None` while the service is left alone.
    #[must_use]
    pub fn pass(&self) -> Option<Permit> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let mut state = shared.lock();
        let (after, role) = state.pass(shared.settings, now);
        shared.enter(&mut state, after);
        role.map(|role| Permit { shared: Arc::clone(shared), role: Some(role) })
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        *self.shared.lock()
    }
}

impl Shared {
    /// The state is a plain value, complete at any time: a panic elsewhere cannot have left it half changed.
    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, state: &mut BreakerState, after: BreakerState) {
        let was_closed = matches!(state, BreakerState::Closed { .. });
        let is_closed = matches!(after, BreakerState::Closed { .. });
        match (was_closed, is_closed) {
            (true, false) => warn!(service = self.service, "A service failed repeatedly and is left alone"),
            (false, true) => info!(service = self.service, "A service that was left alone answers again"),
            (true, true) | (false, false) => {}
        }
        *state = after;
        measurements::breaker_is(self.service, after.as_gauge());
    }
}

impl Permit {
    /// The question was answered.
    pub fn succeeded(mut self) {
        self.settle(|state, role, _| state.succeeded(role));
    }

    /// The service failed.
    pub fn failed(mut self) {
        let now = self.shared.clock.now();
        self.settle(|state, role, settings| state.failed(role, settings, now));
    }

    fn settle(&mut self, next: impl FnOnce(BreakerState, Role, BreakerSettings) -> BreakerState) {
        if let Some(role) = self.role.take() {
            let mut state = self.shared.lock();
            let after = next(*state, role, self.shared.settings);
            self.shared.enter(&mut state, after);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(|state, role, _| state.given_up(role));
    }
}

#[cfg(test)]
mod tests {
    use service_runtime::clock::ManualClock;

    use super::*;

    fn breaker() -> (CircuitBreaker, ManualClock) {
        let clock = ManualClock::at("2026-11-21T02:00:00Z".parse().unwrap());
        let settings = BreakerSettings { failures: 3, rest: Duration::from_secs(30) };
        (CircuitBreaker::new("test", settings, Arc::new(clock.clone())), clock)
    }

    fn fail(breaker: &CircuitBreaker, times: u32) {
        for _ in 0..times {
            breaker.pass().unwrap().failed();
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_starts_the_count_anew() {
        let (breaker, _) = breaker();
        fail(&breaker, 2);
        breaker.pass().unwrap().succeeded();
        fail(&breaker, 2);
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 2 });
        fail(&breaker, 1);
        assert!(breaker.pass().is_none());
    }

    #[test]
    fn after_the_rest_one_probe_passes_and_its_success_closes_it() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(29));
        assert!(breaker.pass().is_none());
        clock.advance(Duration::from_secs(1));
        let probe = breaker.pass().unwrap();
        assert!(breaker.pass().is_none(), "only one question probes");
        probe.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 0 });
    }

    #[test]
    fn a_failed_probe_opens_it_for_another_rest() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(30));
        breaker.pass().unwrap().failed();
        clock.advance(Duration::from_secs(29));
        assert!(breaker.pass().is_none());
    }

    #[test]
    fn a_probe_that_was_given_up_leaves_the_way_to_the_next() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(30));
        drop(breaker.pass().unwrap());
        assert!(breaker.pass().is_some());
    }

    #[test]
    fn what_was_asked_before_it_opened_neither_closes_nor_prolongs_it() {
        let (breaker, clock) = breaker();
        let (early, other) = (breaker.pass().unwrap(), breaker.pass().unwrap());
        fail(&breaker, 3);
        let opened = breaker.state();
        clock.advance(Duration::from_secs(10));
        early.succeeded();
        other.failed();
        assert_eq!(breaker.state(), opened);
    }
}
