//! The loop that every reconciler runs in: a pass when it is called, when its time has come, and again at once
//! while a pass finds more than it may take. A failing pass is repeated with backoff.

use std::time::Duration;

use async_trait::async_trait;
use service_runtime::backoff::Backoff;
use service_runtime::database::StoreError;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::metrics::PASS_FAILURES;

/// What a pass left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// There may be more: run again at once.
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

    /// How long it may go without looking.
    fn interval(&self) -> Duration;

    /// Returns when somebody calls for a pass.
    async fn called(&self);

    /// One look; `everywhere` when its interval is over rather than somebody called.
    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError>;
}

/// Runs a reconciler until `stop` is cancelled.
pub(crate) async fn run<R: Reconciler>(mut reconciler: R, stop: CancellationToken) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut everywhere = true;
    let mut failing = false;
    loop {
        let pause = match reconciler.pass(everywhere).await {
            Ok(pass) => {
                backoff.reset();
                failing = false;
                match pass {
                    Pass::More => Duration::ZERO,
                    Pass::Settled { next } => {
                        next.map_or(reconciler.interval(), |next| next.min(reconciler.interval()))
                    }
                }
            }
            Err(error) => {
                metrics::counter!(PASS_FAILURES, "reconciler" => R::NAME).increment(1);
                if failing {
                    debug!(reconciler = R::NAME, %error, "a pass failed again");
                } else {
                    warn!(reconciler = R::NAME, error = &error as &dyn std::error::Error, "a pass failed");
                }
                failing = true;
                backoff.next_delay()
            }
        };
        everywhere = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => true,
            // What was called for in vain is looked for everywhere once the backoff is over.
            () = reconciler.called(), if !failing => false,
        };
    }
}
