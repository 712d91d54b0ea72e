//! The long-running tasks of a service. One that ends before it was asked to, with an error, by a
//! panic or just so, is logged and takes the service down in order: half a service is worse than none.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::{Shutdown, Stage};

/// What a task may return: nothing, or a result whose error is logged.
pub trait TaskOutput: Send + 'static {
    /// The failure, if it is one.
    fn failure(self) -> Option<String>;
}

impl TaskOutput for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display + Send + 'static> TaskOutput for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| format!("{error:#}"))
    }
}

/// How a drain ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Drained {
    /// The tasks that were still running when the time was up.
    pub unfinished: Vec<&'static str>,
}

/// The tasks of a service. Clones are the same group.
#[derive(Clone)]
pub struct TaskGroup {
    shutdown: Shutdown,
    running: Arc<Running>,
}

#[derive(Default)]
struct Running {
    intake: TaskTracker,
    work: TaskTracker,
    output: TaskTracker,
    names: Mutex<Vec<(Stage, &'static str)>>,
}

impl TaskGroup {
    /// An empty group that is ended by `shutdown`.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { shutdown, running: Arc::default() }
    }

    /// Starts a task. It must run until the token of its stage is cancelled, and end soon after.
    pub fn spawn<F>(&self, stage: Stage, name: &'static str, task: F)
    where
        F: Future + Send + 'static,
        F::Output: TaskOutput,
    {
        self.adopt(stage, name, tokio::spawn(task));
    }

    /// Takes in a task that was started elsewhere.
    pub fn adopt<T: TaskOutput>(&self, stage: Stage, name: &'static str, task: JoinHandle<T>) {
        let group = self.clone();
        self.names().push((stage, name));
        self.tracker(stage).spawn(async move {
            let failure = match task.await {
                Ok(output) => output.failure(),
                Err(error) if error.is_panic() => Some("it panicked".to_owned()),
                Err(_) => Some("it was aborted".to_owned()),
            };
            group.ended(stage, name, failure);
        });
    }

    fn ended(&self, stage: Stage, name: &'static str, failure: Option<String>) {
        let mut names = self.names();
        if let Some(index) = names.iter().position(|entry| *entry == (stage, name)) {
            names.swap_remove(index);
        }
        drop(names);
        match (failure, self.shutdown.is_requested()) {
            (Some(failure), true) => error!(task = name, failure, "a task failed while shutting down"),
            (Some(failure), false) => self.shutdown.fail(&format!("task {name} failed: {failure}")),
            (None, false) => self.shutdown.fail(&format!("task {name} ended without being asked to")),
            (None, true) => {}
        }
    }

    /// Stops all stages in order and waits for their tasks, `limit` in total: intake may take half
    /// of it, intake and work together three quarters.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.shutdown.request("drain");
        let start = Instant::now();
        for (stage, share) in [(Stage::Intake, 0.5), (Stage::Work, 0.75), (Stage::Output, 1.0)] {
            self.shutdown.token(stage).cancel();
            let tracker = self.tracker(stage);
            tracker.close();
            if timeout_at(start + limit.mul_f64(share), tracker.wait()).await.is_err() {
                warn!(?stage, tasks = ?self.unfinished(Some(stage)), "tasks did not stop in time");
            }
        }
        Drained { unfinished: self.unfinished(None) }
    }

    fn unfinished(&self, stage: Option<Stage>) -> Vec<&'static str> {
        let names = self.names();
        names.iter().filter(|(of, _)| stage.is_none_or(|stage| stage == *of)).map(|(_, name)| *name).collect()
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<(Stage, &'static str)>> {
        self.running.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tracker(&self, stage: Stage) -> &TaskTracker {
        match stage {
            Stage::Intake => &self.running.intake,
            Stage::Work => &self.running.work,
            Stage::Output => &self.running.output,
        }
    }
}
