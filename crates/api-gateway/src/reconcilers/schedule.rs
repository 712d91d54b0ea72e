//! The loop that every reconciler runs in: a pass when it is called, when its time has come, and again at once
//! while a pass finds more than it may take. A failing pass is repeated with backoff.

use std::time::Duration;

use async_trait::async_trait;
use service_runtime::backoff::Backoff;
use service_runtime::database::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::metrics::PASS_FAILURES;

/// What a pass left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// There may be more: look everywhere again at once.
    More,
    /// Everything is as it should be; look again after the interval, or sooner if told.
    Settled {
        /// When something becomes due before the interval is over.
        next: Option<Duration>,
    },
}

/// Brings the tasks to where they should be. A pass takes no input, is idempotent, bounded, and safe beside the
/// passes of other replicas.
#[async_trait]
pub(crate) trait Reconciler: Send + 'static {
    /// For logs and metrics.
    const NAME: &'static str;

    /// How long it may go without looking everywhere.
    fn interval(&self) -> Duration;

    /// Returns when somebody calls for a pass.
    async fn called(&self);

    /// One look; `everywhere` when its interval is over rather than somebody called.
    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError>;
}

/// Runs a reconciler until `stop` is cancelled.
pub(crate) async fn run<R: Reconciler>(mut reconciler: R, stop: CancellationToken) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut failing = false;
    // However often somebody calls, the look everywhere comes in its time: calls of a replica that died are lost.
    let mut everywhere_at = Instant::now();
    loop {
        let everywhere = Instant::now() >= everywhere_at;
        let result = reconciler.pass(everywhere).await;
        let now = Instant::now();
        if everywhere {
            everywhere_at = now + reconciler.interval();
        }
        let wake_at = match result {
            Ok(pass) => {
                backoff.reset();
                failing = false;
                if pass == Pass::More {
                    everywhere_at = now;
                }
                wake_at(pass, now, everywhere_at)
            }
            Err(error) => {
                tell::<R>(&error, failing);
                failing = true;
                everywhere_at = now;
                now + backoff.next_delay()
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(wake_at) => {}
            // Whoever calls while passes fail is looked for everywhere once the backoff is over.
            () = reconciler.called(), if !failing => {}
        }
    }
}

fn wake_at(pass: Pass, now: Instant, everywhere_at: Instant) -> Instant {
    match pass {
        Pass::More | Pass::Settled { next: None } => everywhere_at,
        Pass::Settled { next: Some(next) } => everywhere_at.min(now + next),
    }
}

/// The first failure of a row is worth a warning; a database that is away would fill the log otherwise.
fn tell<R: Reconciler>(error: &StoreError, again: bool) {
    metrics::counter!(PASS_FAILURES, "reconciler" => R::NAME).increment(1);
    let error: &dyn std::error::Error = error;
    if again {
        debug!(reconciler = R::NAME, error, "a pass failed again");
    } else {
        warn!(reconciler = R::NAME, error, "a pass failed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Notify, mpsc};

    use super::*;

    /// Reports its passes and does what it is told to in them.
    struct Puppet {
        interval: Duration,
        calls: Arc<Notify>,
        passes: mpsc::UnboundedSender<bool>,
        results: mpsc::UnboundedReceiver<Result<Pass, StoreError>>,
    }

    #[async_trait]
    impl Reconciler for Puppet {
        const NAME: &'static str = "puppet";

        fn interval(&self) -> Duration {
            self.interval
        }

        async fn called(&self) {
            self.calls.notified().await;
        }

        async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError> {
            self.passes.send(everywhere).unwrap();
            self.results.recv().await.unwrap_or(Ok(Pass::Settled { next: None }))
        }
    }

    struct Strings {
        calls: Arc<Notify>,
        passes: mpsc::UnboundedReceiver<bool>,
        results: mpsc::UnboundedSender<Result<Pass, StoreError>>,
        stop: CancellationToken,
        ended: tokio::task::JoinHandle<()>,
    }

    fn start(interval: Duration) -> Strings {
        let calls = Arc::new(Notify::new());
        let (passes_in, passes) = mpsc::unbounded_channel();
        let (results, results_out) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let puppet = Puppet { interval, calls: calls.clone(), passes: passes_in, results: results_out };
        let ended = tokio::spawn(run(puppet, stop.clone()));
        Strings { calls, passes, results, stop, ended }
    }

    const NEVER: Duration = Duration::from_secs(3600);
    const SETTLED: Pass = Pass::Settled { next: None };

    #[tokio::test]
    async fn it_looks_everywhere_first_then_where_it_is_called_and_everywhere_after_a_failure() {
        let mut strings = start(NEVER);
        assert_eq!(strings.passes.recv().await, Some(true));
        strings.results.send(Ok(SETTLED)).unwrap();
        strings.calls.notify_one();
        assert_eq!(strings.passes.recv().await, Some(false));
        strings.results.send(Ok(Pass::More)).unwrap();
        assert_eq!(strings.passes.recv().await, Some(true), "more is looked for at once");
        strings.results.send(Err(StoreError::Unavailable("away".into()))).unwrap();
        assert_eq!(strings.passes.recv().await, Some(true), "after the backoff");
        strings.results.send(Ok(Pass::Settled { next: Some(Duration::from_millis(1)) })).unwrap();
        assert_eq!(strings.passes.recv().await, Some(false), "something became due");
        strings.results.send(Ok(SETTLED)).unwrap();
        strings.stop.cancel();
        strings.ended.await.unwrap();
    }

    #[tokio::test]
    async fn calls_without_end_do_not_keep_it_from_looking_everywhere() {
        let mut strings = start(Duration::from_millis(20));
        assert_eq!(strings.passes.recv().await, Some(true));
        let begin = Instant::now();
        loop {
            strings.calls.notify_one();
            strings.results.send(Ok(SETTLED)).unwrap();
            if strings.passes.recv().await == Some(true) {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "it never looked everywhere");
        }
        strings.stop.cancel();
    }
}
