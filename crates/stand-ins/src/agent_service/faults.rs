//! Ways in which the Agent Service can misbehave.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;

/// What it answers instead of the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Nothing wrong.
    #[default]
    None,
    /// 500 to everything.
    Errors,
    /// 200 with something that is not JSON.
    Garbage,
    /// JSON of the wrong shape.
    WrongShape,
    /// Words that no version of the contract knows.
    UnknownWords,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    latency: Duration,
    requests: u64,
}

/// The faults that are switched on, shared with whoever switches them. Starts with none.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// Faults with a first setting.
    #[must_use]
    pub fn new(fault: Fault, latency: Duration) -> Self {
        let faults = Self::default();
        faults.set(fault, latency);
        faults
    }

    /// From now on misbehave like this; each answer waits `latency` first.
    pub fn set(&self, fault: Fault, latency: Duration) {
        self.with(|state| (state.fault, state.latency) = (fault, latency));
    }

    /// Requests that came so far, whatever was answered.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.with(|state| state.requests)
    }

    /// Counts a request and says how to answer it.
    pub(super) fn for_request(&self) -> (Fault, Duration) {
        self.with(|state| {
            state.requests += 1;
            (state.fault, state.latency)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
