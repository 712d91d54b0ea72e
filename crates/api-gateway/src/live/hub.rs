//! The one task that knows who watches what on this replica. It listens at the broker for the traces that are
//! watched, reads the database in the background for all that need it together, and never waits for either.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::QueryResult;
use messaging::{Heard, Listener};
use metrics::{Gauge, gauge};
use protocol::TraceId;
use service_runtime::database::{Pool, StoreError};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::sequencer::PATIENCE;
use super::settings::LiveSettings;
use super::store::{TraceTasks, list_tasks_of_traces};
use super::subscription::{Ending, Leave, Opened, Subscription, SubscriptionId};
use super::switchboard::{Newcomer, Switchboard};
use super::update::read_lines;
use super::watch::Watch;
use crate::metrics::{LIVE_SUBSCRIBERS, LIVE_TRACES};

/// Most traces in one reading of the database.
const MOST_TRACES: usize = 200;
/// Longest wait of a subscriber for its snapshot.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing can be watched now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// This process has as many subscribers as it may have.
    #[error("too many subscribers")]
    Full,
    /// This process stops.
    #[error("the service is stopping")]
    Stopping,
    /// The tasks cannot be read.
    #[error("the tasks cannot be read at the moment")]
    Unavailable,
}

/// What subscribers want of the hub.
pub(super) enum Command {
    Join(Newcomer),
    Leave { trace: TraceId, id: SubscriptionId },
}

/// Handle to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    /// Unbounded, because whoever leaves cannot wait; it holds no more than there are subscribers.
    commands: mpsc::UnboundedSender<Command>,
    seats: Arc<Semaphore>,
    next_id: Arc<AtomicU64>,
    queue: usize,
}

impl Hub {
    /// A hub over what `listener` hears, and its task, which ends after `stop` with all subscriptions.
    pub fn new(
        listener: Listener,
        heard: mpsc::Receiver<Heard>,
        pool: Pool,
        settings: &LiveSettings,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let hub = Self {
            commands,
            seats: Arc::new(Semaphore::new(settings.max_subscribers.min(Semaphore::MAX_PERMITS))),
            next_id: Arc::default(),
            queue: settings.queue,
        };
        let actor = Actor {
            board: Switchboard::default(),
            commands: receiver,
            listener,
            heard,
            pool,
            readings: JoinSet::new(),
            look: every(settings.resync()),
            patience: every(PATIENCE / 4),
            subscribers: gauge!(LIVE_SUBSCRIBERS),
            traces: gauge!(LIVE_TRACES),
        };
        (hub, actor.run(stop))
    }

    /// Begins to watch.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe(&self, watch: Watch) -> Result<Opened, SubscribeError> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| SubscribeError::Full)?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let leave = Leave { id, trace: watch.trace, commands: self.commands.clone(), _seat: seat };
        let (outlet, mut subscription) = Subscription::open(leave, self.queue);
        let (begin, began) = oneshot::channel();
        let newcomer = Newcomer { id, watch, outlet, begin };
        self.commands.send(Command::Join(newcomer)).map_err(|_| SubscribeError::Stopping)?;
        match timeout(OPEN_TIMEOUT, began).await {
            Ok(Ok(TraceTasks { tasks, truncated })) => {
                subscription.begin_after(&tasks);
                Ok(Opened { snapshot: tasks, truncated, subscription })
            }
            Ok(Err(_)) if self.commands.is_closed() => Err(SubscribeError::Stopping),
            Ok(Err(_)) | Err(_) => Err(SubscribeError::Unavailable),
        }
    }
}

/// What a reading of some traces came to.
type Reading = (Vec<TraceId>, Result<HashMap<TraceId, TraceTasks>, StoreError>);

struct Actor {
    board: Switchboard,
    commands: mpsc::UnboundedReceiver<Command>,
    listener: Listener,
    heard: mpsc::Receiver<Heard>,
    pool: Pool,
    /// At most one.
    readings: JoinSet<Reading>,
    look: Interval,
    patience: Interval,
    subscribers: Gauge,
    traces: Gauge,
}

impl Actor {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            self.begin_reading();
            tokio::select! {
                () = stop.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                Some(heard) = self.heard.recv() => self.hear(heard),
                Some(reading) = self.readings.join_next() => {
                    // A reading that panicked has told nobody anything; the next look makes up for it.
                    if let Ok((traces, found)) = reading {
                        self.conclude(traces, found);
                    }
                }
                _ = self.patience.tick(), if self.board.is_holding() => {
                    for trace in self.board.expire(Instant::now()) {
                        self.ignore(trace);
                    }
                }
                _ = self.look.tick() => self.board.look_everywhere(),
            }
            self.subscribers.set(self.board.subscribers() as f64);
            self.traces.set(self.board.traces() as f64);
        }
        self.board.end_all(Ending::Stopping);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Join(newcomer) => {
                let trace = newcomer.watch.trace;
                if self.board.join(newcomer) {
                    self.listener.listen(trace.to_string());
                }
            }
            Command::Leave { trace, id } => {
                if self.board.leave(trace, id) {
                    self.ignore(trace);
                }
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Connected => self.board.connected(),
            Heard::Lost => self.board.lost(),
            Heard::Bound(key) => {
                if let Ok(trace) = key.parse() {
                    self.board.bound(trace);
                }
            }
            Heard::Message(body) => {
                let now = Instant::now();
                let updates: Vec<_> = read_lines(&body, |trace| self.board.watches(trace)).collect();
                for update in updates {
                    let trace = update.trace_id;
                    if self.board.heard(update, now) {
                        self.ignore(trace);
                    }
                }
            }
        }
    }

    fn ignore(&self, trace: TraceId) {
        self.listener.ignore(trace.to_string());
    }

    /// One reading at a time: those who come meanwhile share the next one.
    fn begin_reading(&mut self) {
        if !self.readings.is_empty() || !self.board.has_unread() {
            return;
        }
        let traces = self.board.begin_reading(MOST_TRACES);
        let pool = self.pool.clone();
        self.readings.spawn(async move {
            let found = read(&pool, &traces).await;
            (traces, found)
        });
    }

    fn conclude(&mut self, traces: Vec<TraceId>, found: Result<HashMap<TraceId, TraceTasks>, StoreError>) {
        let now = Instant::now();
        let mut found = found.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            warn!(traces = traces.len(), error, "watched tasks could not be read");
        });
        for trace in traces {
            let unwatched = match &mut found {
                Ok(found) => self.board.read(trace, found.remove(&trace).unwrap_or_default(), now),
                Err(_) => self.board.unreadable(trace),
            };
            if unwatched {
                self.ignore(trace);
            }
        }
    }
}

async fn read(pool: &Pool, traces: &[TraceId]) -> Result<HashMap<TraceId, TraceTasks>, StoreError> {
    let mut conn = pool.get().await?;
    let found: QueryResult<_> = list_tasks_of_traces(&mut conn, traces).await;
    Ok(found?)
}

/// Ticks that do not pile up; the first comes after one period.
fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
