//! The consumer's task: a session, a subscription, batches in flight, acknowledgements; and another session when
//! this one dies. Nothing of a dead session is carried over: the broker delivers again what was not acknowledged.

use std::sync::Arc;
use std::time::Duration;

use amqprs::channel::{BasicAckArguments, ConsumerMessage};
use metrics::{Counter, Histogram, counter, histogram};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ConsumerSettings;
use super::acks::Acks;
use super::batch::{BatchRunner, Report};
use super::handler::Processor;
use super::settle::SetAside;
use crate::broker::{ChannelEvent, Reconnect, Session, Subscription, Take};
use crate::delivery::Delivery;
use crate::health::HealthCell;

/// The broker closes a channel that holds a delivery for 30 minutes; a session that comes near gives it back itself.
const LONGEST_HOLD: Duration = Duration::from_secs(25 * 60);
const WATCH: Duration = Duration::from_secs(15);
/// How long handlers of a dead session may go on before the next session starts.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Sessions in a row that died without any progress, after which the next one takes one message at a time: if one
/// message kills sessions, it shall not take its neighbours' delivery counts with it.
const FRUITLESS_SESSIONS: u32 = 2;

pub(super) struct Worker {
    reconnect: Reconnect,
    settings: ConsumerSettings,
    runner: BatchRunner,
    health: Arc<HealthCell>,
    stop: CancellationToken,
    fruitless: u32,
    meters: Meters,
}

struct Meters {
    delivered: Counter,
    redelivered: Counter,
    batch_size: Histogram,
    batch_seconds: Histogram,
}

/// The state of one session.
struct Consuming {
    session: Session,
    subscription: Subscription,
    acks: Acks,
    batches: JoinSet<()>,
    reports: mpsc::UnboundedReceiver<Report>,
    report: mpsc::UnboundedSender<Report>,
    over: CancellationToken,
    max_batch: usize,
    /// Set in a session that takes one message at a time: after so many it has shown that it is safe to take more.
    cautious_until: Option<u64>,
}

/// What woke the worker.
enum Wake {
    Report(Option<Report>),
    BatchEnded,
    Event(Option<ChannelEvent>),
    Lost,
    Stop,
    Deadline,
    Delivery(Option<ConsumerMessage>),
    Watch,
}

impl Worker {
    pub(super) fn new(
        reconnect: Reconnect,
        settings: ConsumerSettings,
        processor: Arc<dyn Processor>,
        set_aside: Arc<SetAside>,
        health: Arc<HealthCell>,
        stop: CancellationToken,
    ) -> Self {
        let runner = BatchRunner::new(&settings.queue, processor, set_aside, Arc::clone(&health));
        let meters = Meters::new(&settings.queue);
        Self { reconnect, settings, runner, health, stop, fruitless: 0, meters }
    }

    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        while let Some(session) = self.reconnect.open(&stop).await {
            let cautious_until =
                (self.fruitless >= FRUITLESS_SESSIONS).then_some(u64::from(self.settings.prefetch));
            let prefetch = if cautious_until.is_some() { 1 } else { self.settings.prefetch };
            let subscription = match session.subscribe(&self.settings.queue, Take::Prefetch(prefetch)).await {
                Ok(subscription) => subscription,
                Err(error) => {
                    self.reconnect.failed(&error);
                    continue;
                }
            };
            let mut consuming =
                Consuming::new(session, subscription, self.settings.max_batch, cautious_until);
            self.health.set_connected(true);
            self.consume(&mut consuming).await;
            self.health.set_connected(false);
            self.fruitless = if consuming.is_fruitless() { self.fruitless + 1 } else { 0 };
            consuming.leave(&self.settings, stop.is_cancelled()).await;
        }
    }

    /// Ends when the session is of no more use, or when stopped and done.
    async fn consume(&self, consuming: &mut Consuming) {
        let mut watch = tokio::time::interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = None;
        loop {
            match self.wait(consuming, &mut watch, deadline).await {
                Wake::Report(Some(Report::Settled(tags))) => {
                    if !consuming.settled(tags).await || consuming.was_cautious_enough(false) {
                        return;
                    }
                }
                Wake::BatchEnded => {}
                Wake::Delivery(Some(message)) => {
                    if !self.begin_batch(consuming, message) {
                        return;
                    }
                }
                Wake::Stop => {
                    consuming.session.unsubscribe(&consuming.subscription.consumer_tag).await;
                    deadline = Some(Instant::now() + self.settings.drain_timeout);
                }
                Wake::Event(Some(event)) => match event {
                    ChannelEvent::Closed { code, reason } => {
                        warn!(
                            queue = self.settings.queue,
                            amqp.code = code,
                            "the broker closed a consumer's channel: {reason}"
                        );
                        return;
                    }
                    ChannelEvent::ConsumerCancelled => {
                        warn!(queue = self.settings.queue, "the broker cancelled a consumer");
                        return;
                    }
                    _ => {}
                },
                Wake::Watch if consuming.holds_too_long() => {
                    warn!(
                        queue = self.settings.queue,
                        "deliveries are given back before the broker's patience ends"
                    );
                    return;
                }
                Wake::Watch if consuming.was_cautious_enough(true) => return,
                Wake::Watch => {}
                Wake::Report(Some(Report::Stuck) | None)
                | Wake::Event(None)
                | Wake::Lost
                | Wake::Deadline
                | Wake::Delivery(None) => return,
            }
            if deadline.is_some() && consuming.is_idle() {
                return;
            }
        }
    }

    async fn wait(&self, consuming: &mut Consuming, watch: &mut Interval, deadline: Option<Instant>) -> Wake {
        let taking = deadline.is_none() && consuming.batches.len() < self.settings.batches_in_flight.max(1);
        tokio::select! {
            biased;
            report = consuming.reports.recv() => Wake::Report(report),
            Some(_) = consuming.batches.join_next() => Wake::BatchEnded,
            event = consuming.session.events.recv() => Wake::Event(event),
            () = consuming.session.lost.cancelled() => Wake::Lost,
            () = self.stop.cancelled(), if deadline.is_none() => Wake::Stop,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                Wake::Deadline
            }
            message = consuming.subscription.deliveries.recv(), if taking => Wake::Delivery(message),
            _ = watch.tick() => Wake::Watch,
        }
    }

    /// Takes what has arrived together with `first`, up to the largest batch, and hands it to a task.
    fn begin_batch(&self, consuming: &mut Consuming, first: ConsumerMessage) -> bool {
        let started_at = Instant::now();
        let (mut batch, mut redelivered) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(message) = next {
            let Some(delivery) = Delivery::read(&self.settings.queue, message) else { return false };
            if !consuming.acks.take(delivery.tag, started_at) {
                warn!(queue = self.settings.queue, "deliveries came with a gap in their tags");
                return false;
            }
            redelivered += u64::from(delivery.redelivered);
            batch.push(Arc::new(delivery));
            let has_room = batch.len() < consuming.max_batch;
            next = has_room.then(|| consuming.subscription.deliveries.try_recv().ok()).flatten();
        }
        self.meters.batch(batch.len(), redelivered);
        if redelivered > 0 {
            warn!(
                queue = self.settings.queue,
                messages.redelivered = redelivered,
                "messages were delivered again"
            );
        }
        let (runner, seconds) = (self.runner.clone(), self.meters.batch_seconds.clone());
        let (report, over) = (consuming.report.clone(), consuming.over.clone());
        consuming.batches.spawn(async move {
            runner.run(batch, report, over).await;
            seconds.record(started_at.elapsed().as_secs_f64());
        });
        true
    }
}

impl Consuming {
    fn new(
        session: Session,
        subscription: Subscription,
        max_batch: usize,
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
            cautious_until,
        }
    }

    /// Notes settled tags and acknowledges as far as possible; false when the session is dead.
    async fn settled(&mut self, tags: Vec<u64>) -> bool {
        for tag in tags {
            self.acks.settle(tag);
        }
        let Some(watermark) = self.acks.watermark() else { return true };
        self.session.channel.basic_ack(BasicAckArguments::new(watermark, true)).await.is_ok()
    }

    fn is_idle(&self) -> bool {
        self.batches.is_empty() && self.reports.is_empty()
    }

    /// It took messages and settled none.
    fn is_fruitless(&self) -> bool {
        self.acks.unacknowledged() > 0 && self.acks.acknowledged() == 0
    }

    /// A cautious session ends when it has got past what killed its predecessors, or has found the queue empty.
    fn was_cautious_enough(&self, time_has_passed: bool) -> bool {
        self.cautious_until.is_some_and(|enough| {
            self.acks.acknowledged() >= enough || (time_has_passed && self.acks.unacknowledged() == 0)
        })
    }

    fn holds_too_long(&self) -> bool {
        self.acks.oldest().is_some_and(|taken_at| taken_at.elapsed() >= LONGEST_HOLD)
    }

    /// Waits for the handlers that are still at work, so that the next session does not handle the same messages
    /// beside them; then says goodbye, which gives back what is not acknowledged.
    async fn leave(mut self, settings: &ConsumerSettings, stopping: bool) {
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
        info!(
            queue = settings.queue,
            messages.given_back = self.acks.unacknowledged(),
            "consumer's session ended"
        );
        self.session.close().await;
    }
}

impl Meters {
    fn new(queue: &str) -> Self {
        let queue = queue.to_owned();
        Self {
            delivered: counter!(crate::metrics::DELIVERED, "queue" => queue.clone()),
            redelivered: counter!(crate::metrics::REDELIVERED, "queue" => queue.clone()),
            batch_size: histogram!(crate::metrics::BATCH_SIZE, "queue" => queue.clone()),
            batch_seconds: histogram!(crate::metrics::BATCH_SECONDS, "queue" => queue),
        }
    }

    fn batch(&self, messages: usize, redelivered: u64) {
        self.delivered.increment(messages as u64);
        self.redelivered.increment(redelivered);
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most a few hundred messages")]
        self.batch_size.record(messages as f64);
    }
}
