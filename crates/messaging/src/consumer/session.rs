//! One session of a consumer: its subscription, its batches in flight, its acknowledgements. Delivery tags belong to it
//! and die with it.

use std::time::Duration;

use amqprs::channel::BasicAckArguments;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ConsumerSettings;
use super::acks::Acks;
use super::batch::Report;
use super::turn::Line;
use crate::broker::{Session, Subscription};

/// The broker closes a channel that holds a delivery for 30 minutes; a session that comes near gives it back itself.
const LONGEST_HOLD: Duration = Duration::from_secs(25 * 60);
/// How long handlers of a dead session may go on before the next session starts.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long acknowledgements gather. Each one is an entry in a quorum queue's log, however many deliveries it covers.
const ACKS_GATHER: Duration = Duration::from_millis(5);
/// They go out at once when they cover this part of the prefetch, since the broker then runs out of room for more.
const ACKS_PART: usize = 4;

/// The state of one session.
pub(super) struct Consuming {
    pub(super) session: Session,
    pub(super) subscription: Subscription,
    pub(super) acks: Acks,
    pub(super) batches: JoinSet<()>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) report: mpsc::UnboundedSender<Report>,
    pub(super) over: CancellationToken,
    pub(super) max_batch: usize,
    /// The batches' order, for handlers that keep to it.
    pub(super) line: Line,
    /// When the acknowledgements that have gathered go out.
    pub(super) acks_due: Option<Instant>,
    /// As many acknowledgements do not wait for that.
    enough_acks: usize,
    /// Set in a session that takes one message at a time: after so many it has shown that it is safe to take more.
    cautious_until: Option<u64>,
}

impl Consuming {
    pub(super) fn new(
        session: Session,
        subscription: Subscription,
        max_batch: usize,
        prefetch: u16,
        cautious_until: Option<u64>,
    ) -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        Self {
            session,
            subscription,
            acks: Acks::default(),
            batches: JoinSet::new(),
            reports,
            report,
            over: CancellationToken::new(),
            max_batch: max_batch.max(1),
            line: Line::default(),
            acks_due: None,
            enough_acks: (usize::from(prefetch) / ACKS_PART).max(1),
            cautious_until,
        }
    }

    /// Notes settled tags, and acknowledges when enough has gathered; false when the session is dead.
    pub(super) async fn settled(&mut self, tags: Vec<u64>) -> bool {
        for tag in tags {
            self.acks.settle(tag);
        }
        let ready = self.acks.ready();
        if ready == 0 {
            return true;
        }
        let now = Instant::now();
        let due = *self.acks_due.get_or_insert(now + ACKS_GATHER);
        if ready >= self.enough_acks || now >= due { self.acknowledge().await } else { true }
    }

    /// Acknowledges as far as possible; false when the session is dead.
    pub(super) async fn acknowledge(&mut self) -> bool {
        self.acks_due = None;
        let Some(watermark) = self.acks.watermark() else { return true };
        self.session.channel.basic_ack(BasicAckArguments::new(watermark, true)).await.is_ok()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.batches.is_empty() && self.reports.is_empty()
    }

    /// It took messages and settled none.
    pub(super) fn is_fruitless(&self) -> bool {
        self.acks.unacknowledged() > 0 && self.acks.acknowledged() == 0
    }

    /// A cautious session ends when it has got past what killed its predecessors, or has found the queue empty.
    pub(super) fn was_cautious_enough(&self, time_has_passed: bool) -> bool {
        self.cautious_until.is_some_and(|enough| {
            self.acks.acknowledged() >= enough || (time_has_passed && self.acks.unacknowledged() == 0)
        })
    }

    pub(super) fn holds_too_long(&self) -> bool {
        self.acks.oldest().is_some_and(|taken_at| taken_at.elapsed() >= LONGEST_HOLD)
    }

    /// Waits for the handlers that are still at work, so that the next session does not handle the same messages
    /// beside them; then says goodbye, which gives back what is not acknowledged.
    pub(super) async fn leave(mut self, settings: &ConsumerSettings, stopping: bool) {
        self.over.cancel();
        let finish = async { while self.batches.join_next().await.is_some() {} };
        let patience = if stopping { Duration::ZERO } else { LEAVE_TIMEOUT };
        if tokio::time::timeout(patience, finish).await.is_err() {
            warn!(queue = settings.queue, "handlers did not finish in time and were stopped");
            self.batches.shutdown().await;
        }
        while let Ok(Report::Settled(tags)) = self.reports.try_recv() {
            self.settled(tags).await;
        }
        self.acknowledge().await;
        info!(
            queue = settings.queue,
            messages.given_back = self.acks.unacknowledged(),
            "consumer's session ended"
        );
        self.session.close().await;
    }
}
