//! The publisher's task: feeds the channel while the window has room, settles what the broker confirms, and carries
//! what it did not confirm into the next session. amqprs says `Ok` to a publish on a dead connection, so nothing but
//! a confirm counts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::entry::Entry;
use super::meters::Meters;
use super::suspicion::Suspicion;
use super::window::Window;
use super::{PublishError, PublisherSettings};
use crate::broker::{ChannelEvent, Reconnect, Session};
use crate::health::HealthCell;

/// How many messages to take from the input at once.
const TAKE: usize = 256;
/// How often to look whether confirms stay away.
const WATCH: Duration = Duration::from_millis(250);
/// Told to stop, the publisher ends when nothing has come for this long: those who publish through it are told to
/// stop at the same moment, and have last words.
const QUIET: Duration = Duration::from_millis(200);

pub(super) struct Actor {
    reconnect: Reconnect,
    settings: PublisherSettings,
    input: mpsc::Receiver<Entry>,
    input_open: bool,
    taken: Vec<Entry>,
    /// Accepted, not published in this session; the oldest first.
    backlog: VecDeque<Entry>,
    suspicion: Suspicion,
    health: Arc<HealthCell>,
    stop: CancellationToken,
    /// Set by `stop`: until when to wait for confirms.
    deadline: Option<Instant>,
    meters: Meters,
}

/// How a session ended.
enum End {
    /// It died.
    Lost,
    /// It lives, but the broker confirms nothing.
    GivenUp,
    /// There is nothing more to do, or no time to do it.
    Finished,
}

/// What woke the actor.
enum Wake {
    Event(Option<ChannelEvent>),
    Lost,
    Taken(usize),
    Watch,
    Stop,
    Quiet,
    Deadline,
}

impl Actor {
    pub(super) fn new(
        reconnect: Reconnect,
        settings: PublisherSettings,
        input: mpsc::Receiver<Entry>,
        health: Arc<HealthCell>,
        meters: Meters,
        stop: CancellationToken,
    ) -> Self {
        Self {
            reconnect,
            settings,
            input,
            input_open: true,
            taken: Vec::with_capacity(TAKE),
            backlog: VecDeque::new(),
            suspicion: Suspicion::default(),
            health,
            stop,
            deadline: None,
            meters,
        }
    }

    /// Ends when stopped and drained, or when every handle is gone. Entries left over are dropped, which tells
    /// their callers `Stopped`.
    pub(super) async fn run(mut self) {
        while let Some(session) = self.connect().await {
            self.health.set_connected(true);
            let end = self.serve(session).await;
            self.health.set_connected(false);
            self.meters.unconfirmed(0);
            match end {
                End::Lost | End::GivenUp => info!(
                    messages.unconfirmed = self.backlog.len(),
                    "publisher lost its session; what is unconfirmed is published again"
                ),
                End::Finished => break,
            }
        }
        self.input.close();
        let left = self.backlog.len() + self.input.len();
        if left > 0 {
            warn!(messages.unconfirmed = left, "publisher stopped before everything was confirmed");
        }
    }

    /// `None` when there is nothing more to do, or no time to do it.
    async fn connect(&mut self) -> Option<Session> {
        if self.deadline.is_none() {
            let stop = self.stop.clone();
            if let Some(session) = self.reconnect.open(&stop).await {
                return Some(session);
            }
            self.begin_drain();
        }
        // Without a session only what was accepted before counts; the rest hears `Stopped`.
        self.input.close();
        self.take_rest();
        if self.backlog.is_empty() {
            return None;
        }
        let deadline = self.deadline?;
        let never = CancellationToken::new();
        tokio::time::timeout_at(deadline, self.reconnect.open(&never)).await.ok().flatten()
    }

    async fn serve(&mut self, mut session: Session) -> End {
        let mut window = Window::default();
        let mut watch = tokio::time::interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A new session proves itself with one message before the window opens: a broker that takes messages and
        // confirms none would otherwise collect a window of copies from every session we try.
        let mut proven = false;
        let opened_at = Instant::now();
        let end = loop {
            if !self.feed(&session, &mut window, proven).await {
                break End::Lost;
            }
            if self.is_drained(&window) {
                break End::Finished;
            }
            // Room that is left means an empty backlog.
            let room = self.room(&window, proven);
            match self.wait(&mut session, &window, room, &mut watch).await {
                Wake::Event(Some(first)) => {
                    proven |= matches!(first, ChannelEvent::Confirmed { .. });
                    if self.apply_all(first, &mut session, &mut window) {
                        break End::Lost;
                    }
                }
                Wake::Event(None) | Wake::Lost => break End::Lost,
                Wake::Taken(0) => self.input_open = false,
                Wake::Taken(_) => self.backlog.extend(self.taken.drain(..)),
                Wake::Watch if self.gave_up(&window) => break End::GivenUp,
                Wake::Watch => {}
                Wake::Stop => self.begin_drain(),
                Wake::Quiet => self.input.close(),
                Wake::Deadline => break End::Finished,
            }
        };
        self.leave(session, window, end, opened_at).await
    }

    async fn wait(
        &mut self,
        session: &mut Session,
        window: &Window,
        room: usize,
        watch: &mut Interval,
    ) -> Wake {
        let deadline = self.deadline;
        tokio::select! {
            biased;
            event = session.events.recv() => Wake::Event(event),
            () = session.lost.cancelled() => Wake::Lost,
            () = self.stop.cancelled(), if deadline.is_none() => Wake::Stop,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                Wake::Deadline
            }
            count = self.input.recv_many(&mut self.taken, room.min(TAKE)), if self.input_open && room > 0 => {
                Wake::Taken(count)
            }
            _ = watch.tick(), if !window.is_empty() => Wake::Watch,
            () = tokio::time::sleep(QUIET), if deadline.is_some() && self.input_open && window.is_empty() => {
                Wake::Quiet
            }
        }
    }

    /// How many messages may be published now.
    fn room(&self, window: &Window, proven: bool) -> usize {
        if self.health.get().stalled || window.bytes() >= self.settings.window_bytes {
            return 0;
        }
        let limit = if proven && !self.suspicion.is_open() { self.settings.window } else { 1 };
        limit.saturating_sub(window.len())
    }

    /// Publishes from the backlog while there is room; false when the session is dead.
    async fn feed(&mut self, session: &Session, window: &mut Window, proven: bool) -> bool {
        while self.room(window, proven) > 0 {
            let Some(entry) = self.backlog.pop_front() else { break };
            let outgoing = &entry.message;
            let body = outgoing.message.body.clone();
            let publishing =
                session.channel.basic_publish(outgoing.basic_properties(), body, outgoing.arguments());
            let published = publishing.await;
            window.push(entry, Instant::now());
            if published.is_err() {
                return false;
            }
        }
        self.meters.unconfirmed(window.len());
        true
    }

    fn is_drained(&self, window: &Window) -> bool {
        !self.input_open && self.backlog.is_empty() && window.is_empty()
    }

    /// Applies an event and those that have come with it; returns whether the session is over.
    fn apply_all(&mut self, first: ChannelEvent, session: &mut Session, window: &mut Window) -> bool {
        let mut next = Some(first);
        while let Some(event) = next {
            if self.apply(event, window) {
                return true;
            }
            next = session.events.try_recv().ok();
        }
        false
    }

    /// Returns whether the session is over.
    fn apply(&mut self, event: ChannelEvent, window: &mut Window) -> bool {
        match event {
            ChannelEvent::Confirmed { tag, multiple } => {
                window.settle(tag, multiple, |unconfirmed| self.meters.confirmed(unconfirmed));
                self.suspicion.cleared();
                if self.health.set_stalled(false) {
                    info!("the broker confirms again");
                }
                false
            }
            ChannelEvent::Refused { tag, multiple } => {
                self.suspicion.cleared();
                window.settle(tag, multiple, |unconfirmed| {
                    self.meters.nacked();
                    let message = &unconfirmed.entry.message.message;
                    warn!(message.id = message.message_id, "the broker did not take a message");
                    unconfirmed.entry.settle(Err(PublishError::Nacked));
                });
                false
            }
            ChannelEvent::Returned { message_id, exchange, routing_key, reason } => {
                warn!(message.id = message_id, exchange, routing_key, "no queue takes a message: {reason}");
                window.mark_returned(|entry| {
                    let message = &entry.message.message;
                    match &message_id {
                        Some(id) => message.message_id == *id,
                        None => message.exchange == exchange && message.routing_key == routing_key,
                    }
                });
                false
            }
            ChannelEvent::Closed { code, reason } => {
                warn!(amqp.code = code, "the broker closed the publisher's channel: {reason}");
                // As for an exchange that does not exist.
                self.suspicion.is_certain();
                true
            }
            ChannelEvent::ConsumerCancelled => false,
        }
    }

    /// Looks at the oldest unconfirmed message; returns whether to give the session up.
    fn gave_up(&self, window: &Window) -> bool {
        let waiting = window.oldest().map_or(Duration::ZERO, |sent_at| sent_at.elapsed());
        if waiting >= self.settings.confirm_timeout() {
            warn!(waiting_ms = waiting.as_millis(), "no confirms: giving the session up");
            return true;
        }
        if waiting >= self.settings.stalled_after() && self.health.set_stalled(true) {
            warn!(
                waiting_ms = waiting.as_millis(),
                "no confirms: the broker gets nothing more until they come"
            );
        }
        false
    }

    fn begin_drain(&mut self) {
        self.deadline = Some(Instant::now() + self.settings.drain_timeout());
    }

    /// What is accepted before the input closes belongs to the drain.
    fn take_rest(&mut self) {
        while let Ok(entry) = self.input.try_recv() {
            self.backlog.push_back(entry);
        }
    }

    async fn leave(&mut self, mut session: Session, mut window: Window, end: End, opened_at: Instant) -> End {
        // Confirms that came before the end still count.
        while let Ok(event) = session.events.try_recv() {
            self.apply(event, &mut window);
        }
        match end {
            End::Lost => {
                if self.suspicion.falls_on_one(window.len(), opened_at.elapsed()) {
                    self.give_up_message(&mut window);
                }
                self.meters.republished(window.len());
            }
            End::GivenUp => self.meters.republished(window.len()),
            End::Finished => {}
        }
        for entry in window.into_entries().rev() {
            self.backlog.push_front(entry);
        }
        if let End::Finished = end {
            session.close().await;
        }
        end
    }

    fn give_up_message(&self, window: &mut Window) {
        window.settle(u64::MAX, true, |unconfirmed| {
            let message = &unconfirmed.entry.message.message;
            warn!(message.id = message.message_id, "the broker closes sessions over a message: given up");
            self.meters.refused();
            unconfirmed.entry.settle(Err(PublishError::Refused));
        });
    }
}
