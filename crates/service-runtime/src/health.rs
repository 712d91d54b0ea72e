//! Whether the service can do its work: named checks of what it depends on, and the phase of its
//! own life. Checks are bounded in time, and their results are kept for a moment, so that any number
//! of probes costs the dependencies little.

mod check;
mod report;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::join_all;

use check::Check;
pub use report::{DependencyReport, DependencyStatus, HealthReport, HealthStatus};

/// What a check says: fine, or what is wrong, in words that may be shown to any client (no hosts,
/// no credentials).
pub type CheckResult = Result<(), String>;

/// What it means for the service when a dependency is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// The service cannot do its work: unhealthy, not ready.
    Required,
    /// The service takes work and puts it off until the dependency is back: degraded, and not ready unless the
    /// one who asks tolerates it.
    Deferring,
    /// The service goes on with less: degraded, but ready.
    Degrading,
}

/// Where the service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LifePhase {
    /// Not everything has been started yet.
    Starting = 0,
    /// At work.
    Serving = 1,
    /// Asked to end; finishing what is under way.
    Draining = 2,
}

/// The checks of a service. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<RwLock<Vec<Arc<Check>>>>,
    phase: Arc<AtomicU8>,
}

impl Health {
    /// No checks yet, phase [`LifePhase::Starting`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. It must bear being dropped half-way: after a second nobody waits for it any more.
    pub fn register<F, Fut>(&self, name: &'static str, importance: Importance, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CheckResult> + Send + 'static,
    {
        let check = Arc::new(Check::new(name, importance, Box::new(move || Box::pin(check()))));
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Says where the service is in its life.
    pub fn enter(&self, phase: LifePhase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Where the service is in its life.
    #[must_use]
    pub fn phase(&self) -> LifePhase {
        match self.phase.load(Ordering::Acquire) {
            0 => LifePhase::Starting,
            1 => LifePhase::Serving,
            _ => LifePhase::Draining,
        }
    }

    /// Runs all checks at the same time and sums them up.
    pub async fn report(&self) -> HealthReport {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let dependencies = join_all(checks.iter().map(|check| check.run())).await;
        HealthReport::new(self.phase(), dependencies)
    }
}

#[cfg(test)]
mod tests;
