//! One batch from taken to settled: handled together, and one by one when that fails; what is not done is set aside;
//! while something the handler needs is away, the same messages are tried again and nothing is acknowledged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use metrics::{Counter, counter};
use service_runtime::backoff::Backoff;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, warn};

use super::handler::{HandlerError, Outcome, Processor};
use super::settle::SetAside;
use super::turn::Turn;
use crate::delivery::Delivery;
use crate::health::HealthCell;
use crate::publisher::PublishError;
use crate::trace;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a batch tells its session.
#[derive(Debug)]
pub(super) enum Report {
    /// These delivery tags may be acknowledged.
    Settled(Vec<u64>),
    /// A copy could not be published, so its original must not be acknowledged: the session has to be renewed,
    /// which declares the queues again and gets the message delivered again.
    Stuck,
}

/// The batch was left where it is: its session is over, or stuck.
struct Abandoned;

/// What every batch of a consumer needs.
#[derive(Clone)]
pub(super) struct BatchRunner {
    queue: Arc<str>,
    processor: Arc<dyn Processor>,
    set_aside: Arc<SetAside>,
    health: Arc<HealthCell>,
    panics: Counter,
}

impl BatchRunner {
    pub(super) fn new(
        queue: &str,
        processor: Arc<dyn Processor>,
        set_aside: Arc<SetAside>,
        health: Arc<HealthCell>,
    ) -> Self {
        let panics = counter!(crate::metrics::HANDLER_PANICS, "queue" => queue.to_owned());
        Self { queue: queue.into(), processor, set_aside, health, panics }
    }

    /// Runs a batch to its end. `over` is cancelled when its session is, and ends every wait.
    pub(super) async fn run(
        self,
        batch: Vec<Arc<Delivery>>,
        turn: Turn,
        reports: mpsc::UnboundedSender<Report>,
        over: CancellationToken,
    ) {
        let span = trace::batch_span(&self.queue, &batch);
        let messages = trace::message_spans(&self.queue, &batch);
        let work = async {
            let together = self.settle(&batch, turn, &reports, &over).await;
            match together {
                Ok(true) | Err(Abandoned) => {}
                Ok(false) => self.one_by_one(&batch, &reports, &over).await,
            }
        };
        trace::among(&messages, work).instrument(span).await;
    }

    async fn one_by_one(
        &self,
        batch: &[Arc<Delivery>],
        reports: &mpsc::UnboundedSender<Report>,
        over: &CancellationToken,
    ) {
        for delivery in batch {
            if self.settle(std::slice::from_ref(delivery), Turn::default(), reports, over).await.is_err() {
                break;
            }
        }
    }

    /// Handles and settles some messages together; `Ok(false)` when they failed and have to be tried one by one.
    async fn settle(
        &self,
        batch: &[Arc<Delivery>],
        turn: Turn,
        reports: &mpsc::UnboundedSender<Report>,
        over: &CancellationToken,
    ) -> Result<bool, Abandoned> {
        let outcomes = match self.handle(batch, turn, over).await? {
            Ok(outcomes) => outcomes,
            Err(_) if batch.len() > 1 => return Ok(false),
            Err(reason) => vec![Outcome::Retry { reason, within: None }],
        };
        let mut settled = Vec::with_capacity(batch.len());
        for (delivery, outcome) in batch.iter().zip(outcomes) {
            if let Err(failed) = self.carry_out(delivery, outcome).await {
                warn!(
                    queue = &*self.queue,
                    message.id = delivery.label(),
                    "could not set a message aside: {failed}"
                );
                let _ = reports.send(Report::Settled(settled));
                let _ = reports.send(Report::Stuck);
                return Err(Abandoned);
            }
            settled.push(delivery.tag);
        }
        // A session that is over has no use for it.
        let _ = reports.send(Report::Settled(settled));
        Ok(true)
    }

    async fn carry_out(&self, delivery: &Delivery, outcome: Outcome) -> Result<(), PublishError> {
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::Retry { reason, within } => self.set_aside.retry(delivery, &reason, within).await,
            Outcome::Dead { reason } => self.set_aside.bury(delivery, &reason).await,
        }
    }

    /// The handler's outcomes, or why it failed; waits while something it needs is away.
    async fn handle(
        &self,
        batch: &[Arc<Delivery>],
        mut turn: Turn,
        over: &CancellationToken,
    ) -> Result<Result<Vec<Outcome>, String>, Abandoned> {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            // Another try has lost its place: those behind it do not wait for something that is away.
            let missing = match self.handle_once(batch, std::mem::take(&mut turn)).await {
                Err(HandlerError::Unavailable(missing)) => missing,
                answered => {
                    if self.health.set_stalled(false) {
                        info!(queue = &*self.queue, "messages are handled again");
                    }
                    return Ok(answered.map_err(|failed| self.failed(batch, &failed)));
                }
            };
            if self.health.set_stalled(true) {
                warn!(queue = &*self.queue, "messages wait: {missing}");
            }
            tokio::select! {
                biased;
                () = over.cancelled() => return Err(Abandoned),
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    async fn handle_once(&self, batch: &[Arc<Delivery>], turn: Turn) -> Result<Vec<Outcome>, HandlerError> {
        let handled = AssertUnwindSafe(self.processor.process(batch, turn)).catch_unwind().await;
        handled.unwrap_or_else(|panic| {
            self.panics.increment(1);
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(HandlerError::Failed(format!("the handler panicked: {text}")))
        })
    }

    fn failed(&self, batch: &[Arc<Delivery>], failed: &HandlerError) -> String {
        if batch.len() > 1 {
            warn!(
                queue = &*self.queue,
                batch.messages = batch.len(),
                "a batch failed, its messages are tried one by one: {failed}"
            );
        } else {
            error!(queue = &*self.queue, "a message failed: {failed}");
        }
        failed.to_string()
    }
}
