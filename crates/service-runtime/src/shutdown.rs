//! Ending a service in order. Tasks belong to a stage; when the end is requested, intake stops
//! first, then the work in the middle, then what carries results out. Each stage is told to stop
//! only when the one before it has finished or has used up its share of the drain time.

mod signals;
mod task_group;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

pub use signals::wait_for_signal;
pub use task_group::{Drained, TaskGroup, TaskOutput};

/// When a task is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Takes work in: HTTP servers, consumers, timers.
    Intake,
    /// Works on what was taken in: writers, batchers.
    Work,
    /// Carries results out: outbox relay, publisher, operations endpoints.
    Output,
}

impl Stage {
    /// All stages in the order in which they stop.
    pub const IN_ORDER: [Self; 3] = [Self::Intake, Self::Work, Self::Output];
}

/// The request to end, shared by everything in a service. Clones are the same request.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    intake: CancellationToken,
    work: CancellationToken,
    output: CancellationToken,
    failed: AtomicBool,
}

impl Shutdown {
    /// Nothing requested yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that tells the tasks of a stage to stop.
    #[must_use]
    pub fn token(&self, stage: Stage) -> CancellationToken {
        match stage {
            Stage::Intake => self.state.intake.clone(),
            Stage::Work => self.state.work.clone(),
            Stage::Output => self.state.output.clone(),
        }
    }

    /// Asks for an orderly end. Asking twice changes nothing.
    pub fn request(&self, reason: &str) {
        if !self.is_requested() {
            info!(reason, "the service is shutting down");
        }
        self.state.intake.cancel();
    }

    /// Asks for an orderly end because something broke: the exit code will say so.
    pub fn fail(&self, reason: &str) {
        error!(reason, "the service cannot go on");
        self.state.failed.store(true, Ordering::Relaxed);
        self.state.intake.cancel();
    }

    /// Whether the end was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.intake.is_cancelled()
    }

    /// Whether something broke.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state.failed.load(Ordering::Relaxed)
    }

    /// Returns when the end was requested.
    pub async fn requested(&self) {
        self.state.intake.cancelled().await;
    }
}

#[cfg(test)]
mod tests;
