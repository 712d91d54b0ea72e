//! Who watches what, and what is still to be done for them; no I/O and no clock. Subscribing goes in this order:
//! the trace is listened to, then the database is read, then the subscriber is told. So whatever happens after
//! the reading is heard, and what happened before is in the snapshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use protocol::TraceId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::sequencer::{Ordered, Sequencer};
use super::store::TraceTasks;
use super::subscription::{Ending, Outlet, SubscriptionId};
use super::update::TaskUpdate;
use super::watch::Watch;

/// How a subscriber hears that it may begin; the sender is dropped when the database cannot be read.
pub(super) type Begin = oneshot::Sender<TraceTasks>;

/// A subscriber to be.
pub(super) struct Newcomer {
    pub(super) id: SubscriptionId,
    pub(super) watch: Watch,
    pub(super) outlet: Outlet,
    pub(super) begin: Begin,
}

/// See the module.
#[derive(Default)]
pub(super) struct Switchboard {
    traces: HashMap<TraceId, Watched>,
    subscribers: usize,
    /// There is a session with the broker.
    connected: bool,
    /// Traces to be read from the database.
    unread: HashSet<TraceId>,
    /// Traces whose order may have to be given up on.
    holding: HashSet<TraceId>,
    /// How many readings have begun.
    readings: u64,
}

#[derive(Default)]
struct Watched {
    subscribers: Vec<Subscriber>,
    sequencer: Sequencer,
    /// The reading from which on its changes are heard without a gap; none while nothing is heard.
    heard_since: Option<u64>,
}

struct Subscriber {
    id: SubscriptionId,
    watch: Watch,
    outlet: Outlet,
    /// Set until it has its snapshot, which is of this reading or a later one.
    waiting: Option<(u64, Begin)>,
}

impl Switchboard {
    /// Takes a subscriber in; true when its trace has to be listened to from now on.
    pub(super) fn join(&mut self, newcomer: Newcomer) -> bool {
        let Newcomer { id, watch, outlet, begin } = newcomer;
        let trace = watch.trace;
        let waiting = Some((self.readings + 1, begin));
        let watched = self.traces.entry(trace).or_default();
        let is_first = watched.subscribers.is_empty();
        watched.subscribers.push(Subscriber { id, watch, outlet, waiting });
        self.subscribers += 1;
        // Without a broker nothing would announce that it is listened to.
        if watched.heard_since.is_some() || !self.connected {
            self.unread.insert(trace);
        }
        is_first
    }

    /// Lets a subscriber go; true when nobody watches its trace any more.
    pub(super) fn leave(&mut self, trace: TraceId, id: SubscriptionId) -> bool {
        self.keep_subscribers(trace, |subscriber| subscriber.id != id);
        self.forget_if_unwatched(trace)
    }

    /// There is a session with the broker.
    pub(super) fn connected(&mut self) {
        self.connected = true;
    }

    /// Changes of the trace are heard from now on.
    pub(super) fn bound(&mut self, trace: TraceId) {
        if let Some(watched) = self.traces.get_mut(&trace) {
            watched.heard_since = Some(self.readings + 1);
            self.unread.insert(trace);
        }
    }

    /// Nothing is heard any more. Those who wait for it are served from the database.
    pub(super) fn lost(&mut self) {
        self.connected = false;
        for (&trace, watched) in &mut self.traces {
            watched.heard_since = None;
            if watched.subscribers.iter().any(|subscriber| subscriber.waiting.is_some()) {
                self.unread.insert(trace);
            }
        }
    }

    /// Has every watched trace read again.
    pub(super) fn look_everywhere(&mut self) {
        self.unread.extend(self.traces.keys());
    }

    /// Up to `most` traces to read now; the answer belongs to [`Switchboard::read`] or [`Switchboard::unreadable`].
    pub(super) fn begin_reading(&mut self, most: usize) -> Vec<TraceId> {
        let traces: Vec<TraceId> = self.unread.iter().copied().take(most).collect();
        for trace in &traces {
            self.unread.remove(trace);
        }
        self.readings += u64::from(!traces.is_empty());
        traces
    }

    /// Whether something is to be read.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The last reading found this in a trace. Returns traces that nobody watches any more.
    pub(super) fn read(&mut self, trace: TraceId, found: TraceTasks, now: Instant) -> bool {
        let Some(watched) = self.traces.get_mut(&trace) else { return false };
        for subscriber in &mut watched.subscribers {
            if let Some((_, begin)) = subscriber.waiting.take_if(|(reading, _)| *reading <= self.readings) {
                // One that gave up leaves by itself.
                let _ = begin.send(found.only(&subscriber.watch));
            }
        }
        let listened = watched.heard_since.is_some_and(|reading| reading < self.readings);
        let out = watched.sequencer.looked(&found.tasks, listened, now);
        self.hand_out(trace, &out)
    }

    /// The last reading failed: who waited for it is turned away; true when nobody watches the trace any more.
    pub(super) fn unreadable(&mut self, trace: TraceId) -> bool {
        let readings = self.readings;
        let waited = |subscriber: &Subscriber| {
            subscriber.waiting.as_ref().is_some_and(|(reading, _)| *reading <= readings)
        };
        self.keep_subscribers(trace, |subscriber| !waited(subscriber));
        self.forget_if_unwatched(trace)
    }

    /// Whether anybody watches the trace.
    pub(super) fn watches(&self, trace: TraceId) -> bool {
        self.traces.contains_key(&trace)
    }

    /// A change was heard of; true when nobody watches its trace any more.
    pub(super) fn heard(&mut self, update: TaskUpdate, now: Instant) -> bool {
        let trace = update.trace_id;
        let Some(watched) = self.traces.get_mut(&trace) else { return false };
        let out = watched.sequencer.heard(Arc::new(update), now);
        self.hand_out(trace, &out)
    }

    /// Whether [`Switchboard::expire`] has anything to do sometime.
    pub(super) fn is_holding(&self) -> bool {
        !self.holding.is_empty()
    }

    /// Gives up on order where it has been waited for long enough. Returns traces that nobody watches any more.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<TraceId> {
        let traces: Vec<TraceId> = self.holding.iter().copied().collect();
        let mut unwatched = Vec::new();
        for trace in traces {
            let Some(watched) = self.traces.get_mut(&trace) else { continue };
            let out = watched.sequencer.expire(now);
            if self.hand_out(trace, &out) {
                unwatched.push(trace);
            }
        }
        unwatched
    }

    /// How many subscribers there are.
    pub(super) fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// How many traces they watch.
    pub(super) fn traces(&self) -> usize {
        self.traces.len()
    }

    /// Ends all subscriptions.
    pub(super) fn end_all(self, why: Ending) {
        for subscriber in self.traces.into_values().flat_map(|watched| watched.subscribers) {
            subscriber.outlet.end(why);
        }
    }

    /// Passes updates to a trace's subscribers and cuts off those who are too slow; true when none is left.
    fn hand_out(&mut self, trace: TraceId, updates: &Ordered) -> bool {
        let Some(watched) = self.traces.get_mut(&trace) else { return false };
        if watched.sequencer.is_holding() {
            self.holding.insert(trace);
        } else {
            self.holding.remove(&trace);
        }
        let mut index = 0;
        while let Some(subscriber) = watched.subscribers.get(index) {
            if updates.iter().all(|update| subscriber.takes(update)) {
                index += 1;
            } else {
                self.subscribers -= 1;
                watched.subscribers.swap_remove(index).outlet.end(Ending::TooSlow);
            }
        }
        self.forget_if_unwatched(trace)
    }

    fn keep_subscribers(&mut self, trace: TraceId, keep: impl Fn(&Subscriber) -> bool) {
        let Some(watched) = self.traces.get_mut(&trace) else { return };
        let before = watched.subscribers.len();
        watched.subscribers.retain(keep);
        self.subscribers -= before - watched.subscribers.len();
    }

    fn forget_if_unwatched(&mut self, trace: TraceId) -> bool {
        let unwatched = self.traces.get(&trace).is_some_and(|watched| watched.subscribers.is_empty());
        if unwatched {
            self.traces.remove(&trace);
            self.unread.remove(&trace);
            self.holding.remove(&trace);
        }
        unwatched
    }
}

impl Subscriber {
    /// Queues an update if it is for this subscriber; false when there is no room.
    fn takes(&self, update: &Arc<TaskUpdate>) -> bool {
        !self.watch.covers(update) || self.outlet.send(update)
    }
}
