//! The consumer's task: takes deliveries, starts batches, acknowledges; and opens another session when this one dies.
//! Nothing of a dead session is carried over: the broker delivers again what was not acknowledged.

use std::sync::Arc;
use std::time::Duration;

use amqprs::channel::ConsumerMessage;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::ConsumerSettings;
use super::batch::{BatchRunner, Report};
use super::handler::Processor;
use super::meters::Meters;
use super::session::Consuming;
use super::settle::SetAside;
use crate::broker::{ChannelEvent, Reconnect, Take};
use crate::delivery::Delivery;
use crate::health::HealthCell;

const WATCH: Duration = Duration::from_secs(15);
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

/// What woke the worker.
enum Wake {
    Report(Option<Report>),
    BatchEnded {
        whole: bool,
    },
    AcksDue,
    Event(Option<ChannelEvent>),
    Lost,
    Stop,
    Deadline,
    /// None for the end of the stream, and for a message in parts, which amqprs promises never to give.
    Delivery(Option<Arc<Delivery>>),
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
                Consuming::new(session, subscription, self.settings.max_batch, prefetch, cautious_until);
            self.health.set_connected(true);
            self.consume(&mut consuming).await;
            self.health.set_connected(false);
            self.fruitless = if consuming.is_fruitless() { self.fruitless + 1 } else { 0 };
            consuming.leave(&self.settings, stop.is_cancelled()).await;
        }
    }

    /// Ends when the session is of no more use, or when stopped and done.
    async fn consume(&self, consuming: &mut Consuming) {
        let mut watch = tokio::time::interval_at(Instant::now() + WATCH, WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = None;
        loop {
            let goes_on = match self.wait(consuming, &mut watch, deadline).await {
                Wake::Report(Some(Report::Settled(tags))) => {
                    consuming.settled(tags).await && !consuming.was_cautious_enough(false)
                }
                Wake::BatchEnded { whole } => whole,
                Wake::AcksDue => consuming.acknowledge().await,
                Wake::Delivery(Some(first)) => self.begin_batch(consuming, first),
                Wake::Stop => {
                    consuming.session.unsubscribe(&consuming.subscription.consumer_tag).await;
                    deadline = Some(Instant::now() + self.settings.drain_timeout);
                    true
                }
                Wake::Event(Some(event)) => self.survives(&event),
                Wake::Watch => !self.should_renew(consuming),
                Wake::Report(Some(Report::Stuck) | None)
                | Wake::Event(None)
                | Wake::Lost
                | Wake::Deadline
                | Wake::Delivery(None) => false,
            };
            if !goes_on || (deadline.is_some() && consuming.is_idle()) {
                return;
            }
        }
    }

    fn survives(&self, event: &ChannelEvent) -> bool {
        let queue = self.settings.queue.as_str();
        match event {
            ChannelEvent::Closed { code, reason } => {
                warn!(queue, amqp.code = code, "the broker closed a consumer's channel: {reason}");
                false
            }
            ChannelEvent::ConsumerCancelled => {
                warn!(queue, "the broker cancelled a consumer");
                false
            }
            ChannelEvent::Confirmed { .. } | ChannelEvent::Refused { .. } | ChannelEvent::Returned { .. } => {
                true
            }
        }
    }

    fn should_renew(&self, consuming: &Consuming) -> bool {
        let queue = self.settings.queue.as_str();
        if consuming.holds_too_long() {
            warn!(queue, "deliveries are given back before the broker's patience ends");
            return true;
        }
        consuming.was_cautious_enough(true)
    }

    async fn wait(&self, consuming: &mut Consuming, watch: &mut Interval, deadline: Option<Instant>) -> Wake {
        let taking = deadline.is_none() && consuming.batches.len() < self.settings.batches_in_flight.max(1);
        tokio::select! {
            biased;
            report = consuming.reports.recv() => Wake::Report(report),
            () = tokio::time::sleep_until(consuming.acks_due.unwrap_or_else(Instant::now)),
                if consuming.acks_due.is_some() => Wake::AcksDue,
            Some(ended) = consuming.batches.join_next() => Wake::BatchEnded { whole: ended.is_ok() },
            event = consuming.session.events.recv() => Wake::Event(event),
            () = consuming.session.lost.cancelled() => Wake::Lost,
            () = self.stop.cancelled(), if deadline.is_none() => Wake::Stop,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                Wake::Deadline
            }
            message = consuming.subscription.deliveries.recv(), if taking => {
                Wake::Delivery(message.and_then(|message| self.read(message)))
            }
            _ = watch.tick() => Wake::Watch,
        }
    }

    /// Takes what has arrived together with `first`, up to the largest batch, and hands it to a task; false when the
    /// session cannot be believed any more.
    fn begin_batch(&self, consuming: &mut Consuming, first: Arc<Delivery>) -> bool {
        let started_at = Instant::now();
        let (mut batch, mut redelivered) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(delivery) = next {
            if !consuming.acks.take(delivery.tag, started_at) {
                warn!(queue = self.settings.queue, "deliveries came with a gap in their tags");
                return false;
            }
            redelivered += u64::from(delivery.redelivered);
            batch.push(delivery);
            next = if batch.len() < consuming.max_batch {
                let arrived = consuming.subscription.deliveries.try_recv().ok();
                arrived.and_then(|message| self.read(message))
            } else {
                None
            };
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
        let (report, over, turn) = (consuming.report.clone(), consuming.over.clone(), consuming.line.join());
        consuming.batches.spawn(async move {
            runner.run(batch, turn, report, over).await;
            seconds.record(started_at.elapsed().as_secs_f64());
        });
        true
    }

    fn read(&self, message: ConsumerMessage) -> Option<Arc<Delivery>> {
        Delivery::read(&self.settings.queue, message).map(Arc::new)
    }
}
