//! One check: bounded, remembered for a moment, and never run twice at the same time.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::report::{DependencyReport, DependencyStatus};
use super::{CheckResult, Importance};

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(1);
/// How long a result is good for.
const FRESH_FOR: Duration = Duration::from_secs(1);

type CheckFunction = Box<dyn Fn() -> BoxFuture<'static, CheckResult> + Send + Sync>;

/// A dependency and how to ask it whether it is there.
pub(super) struct Check {
    name: &'static str,
    importance: Importance,
    ask: CheckFunction,
    last: Mutex<Option<(Instant, CheckResult)>>,
}

impl Check {
    pub(super) fn new(name: &'static str, importance: Importance, ask: CheckFunction) -> Self {
        Self { name, importance, ask, last: Mutex::new(None) }
    }

    /// The state of the dependency, at most [`FRESH_FOR`] old.
    pub(super) async fn run(&self) -> DependencyReport {
        // The lock is held while asking, so that probes that come meanwhile wait for the same answer.
        let mut last = self.last.lock().await;
        let result = match &*last {
            Some((at, result)) if at.elapsed() < FRESH_FOR => result.clone(),
            _ => {
                let result = timeout(LIMIT, (self.ask)())
                    .await
                    .unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
                *last = Some((Instant::now(), result.clone()));
                result
            }
        };
        DependencyReport {
            name: self.name,
            importance: self.importance,
            required: self.importance == Importance::Required,
            status: if result.is_ok() { DependencyStatus::Up } else { DependencyStatus::Down },
            detail: result.err(),
        }
    }
}
