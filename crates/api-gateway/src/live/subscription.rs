//! Both ends of a subscription. Between them is a short queue: a subscriber that lets it fill up is cut off, so
//! that nobody's slowness costs memory or holds up the others.

use std::future::pending;
use std::sync::Arc;

use protocol::{TaskId, TraceId};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::hub::Command;
use super::update::TaskUpdate;

/// Why a subscription ends that its holder did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its holder did not keep up.
    TooSlow,
    /// This process stops.
    Stopping,
}

/// Number of a subscription in this process.
pub(super) type SubscriptionId = u64;

/// A new subscription.
pub struct Opened {
    /// The trace's tasks at the beginning, in the order in which they were created.
    pub snapshot: Vec<Arc<TaskUpdate>>,
    /// Whether the trace has more tasks than a snapshot shows; the newest are shown.
    pub truncated: bool,
    /// What happens from then on.
    pub subscription: Subscription,
}

/// The receiving end. Dropping it unsubscribes.
pub struct Subscription {
    queue: mpsc::Receiver<Arc<TaskUpdate>>,
    /// Taken once it has spoken.
    ending: Option<oneshot::Receiver<Ending>>,
    ended: Ending,
    /// What the snapshot told already, by task id.
    told: Box<[(TaskId, u64)]>,
    _leave: Leave,
}

/// Tells the hub that a subscriber is gone.
pub(super) struct Leave {
    pub(super) id: SubscriptionId,
    pub(super) trace: TraceId,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    /// Given back when the subscriber is gone.
    pub(super) _seat: OwnedSemaphorePermit,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Leave { trace: self.trace, id: self.id });
    }
}

/// The sending end.
pub(super) struct Outlet {
    queue: mpsc::Sender<Arc<TaskUpdate>>,
    ending: oneshot::Sender<Ending>,
}

impl Subscription {
    /// A subscription whose queue holds `capacity` updates.
    pub(super) fn open(leave: Leave, capacity: usize) -> (Outlet, Self) {
        let (sender, queue) = mpsc::channel(capacity);
        let (ending, end) = oneshot::channel();
        let subscription =
            Self { queue, ending: Some(end), ended: Ending::Stopping, told: Box::default(), _leave: leave };
        (Outlet { queue: sender, ending }, subscription)
    }

    /// Leaves out from now on what `snapshot` says already.
    pub(crate) fn begin_after(&mut self, snapshot: &[Arc<TaskUpdate>]) {
        self.told = snapshot.iter().map(|update| (update.task_id, update.sequence)).collect();
        self.told.sort_unstable();
    }

    /// The next change, or why there are no more. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Arc<TaskUpdate>, Ending> {
        while self.ending.is_some() {
            let update = tokio::select! {
                biased;
                ending = ended(&mut self.ending) => {
                    self.ended = ending;
                    None
                }
                update = self.queue.recv() => update,
            };
            match update {
                Some(update) if self.was_told(&update) => {}
                Some(update) => return Ok(update),
                None => break,
            }
        }
        Err(self.ended().await)
    }

    /// Returns when the subscription is ended from the other side, also while updates wait. For those who are
    /// busy with one.
    pub async fn ended(&mut self) -> Ending {
        if self.ending.is_some() {
            self.ended = ended(&mut self.ending).await;
        }
        self.ended
    }

    fn was_told(&self, update: &TaskUpdate) -> bool {
        let found = self.told.binary_search_by_key(&update.task_id, |&(task, _)| task);
        let told = found.ok().and_then(|index| self.told.get(index));
        told.is_some_and(|&(_, sequence)| update.sequence <= sequence)
    }
}

/// The hub going away without a word means that the process stops.
async fn ended(ending: &mut Option<oneshot::Receiver<Ending>>) -> Ending {
    let Some(receiver) = ending else { return pending().await };
    let told = receiver.await.unwrap_or(Ending::Stopping);
    *ending = None;
    told
}

impl Outlet {
    /// Queues an update; false when there is no room for it or nobody to take it.
    pub(super) fn send(&self, update: &Arc<TaskUpdate>) -> bool {
        self.queue.try_send(Arc::clone(update)).is_ok()
    }

    /// Ends the subscription.
    pub(super) fn end(self, why: Ending) {
        let _ = self.ending.send(why);
    }
}
