//! Puts the updates of one trace in order: each task's states come out by rising number, each once, and as far as
//! they come in at all none is left out. Replicas publish independently, so a later state may overtake an
//! earlier one; it is held until the earlier one has come, or long enough to believe that it never will.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use protocol::TaskId;
use tokio::time::Instant;

use super::update::TaskUpdate;

/// How long an update is waited for that the database or a later one tells of: longer than a loaded broker is late,
/// because only a replica that died after its commit or dropped updates leaves one out for good.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Most updates of a task that are held; with more, waiting is given up.
const MOST_HELD: usize = 64;

/// What came out, in order.
pub(super) type Ordered = Vec<Arc<TaskUpdate>>;

/// See the module.
#[derive(Default)]
pub(super) struct Sequencer {
    tasks: HashMap<TaskId, Track>,
    /// Tasks that hold something; empty nearly always.
    holding: HashMap<TaskId, Instant>,
    /// The first look at the database has come; before it nothing is known to be in order.
    ready: bool,
}

#[derive(Default)]
struct Track {
    /// Number of the last state that came out.
    position: u64,
    /// By number; empty nearly always.
    held: BTreeMap<u64, Arc<TaskUpdate>>,
}

impl Sequencer {
    /// Takes what a look at the database found. The first look only says where every task is; later ones bring
    /// out what had been missed: at once where nobody `listened` all the time since the last look, else when it
    /// does not come of itself.
    pub(super) fn looked(&mut self, found: &[Arc<TaskUpdate>], listened: bool, now: Instant) -> Ordered {
        let first = !std::mem::replace(&mut self.ready, true);
        let mut out = Ordered::new();
        for update in found {
            if first {
                let track = self.tasks.entry(update.task_id).or_default();
                track.position = track.position.max(update.sequence);
            } else {
                self.take(Arc::clone(update), now, &mut out);
            }
        }
        let held: Vec<TaskId> = self.holding.keys().copied().collect();
        for task in held {
            if first {
                self.release(task, now, &mut out);
            } else if !listened {
                self.give_up(task, &mut out);
            }
        }
        out
    }

    /// Takes an update that was heard of.
    pub(super) fn heard(&mut self, update: Arc<TaskUpdate>, now: Instant) -> Ordered {
        let mut out = Ordered::new();
        self.take(update, now, &mut out);
        out
    }

    /// Gives up waiting where it has been long enough.
    pub(super) fn expire(&mut self, now: Instant) -> Ordered {
        let mut out = Ordered::new();
        let due = |since: &&Instant| now.duration_since(**since) >= PATIENCE;
        let tasks: Vec<TaskId> =
            self.holding.iter().filter(|(_, since)| due(since)).map(|(&task, _)| task).collect();
        for task in tasks {
            self.give_up(task, &mut out);
        }
        out
    }

    /// Whether something waits for [`Sequencer::expire`].
    pub(super) fn is_holding(&self) -> bool {
        self.ready && !self.holding.is_empty()
    }

    fn take(&mut self, update: Arc<TaskUpdate>, now: Instant, out: &mut Ordered) {
        let task = update.task_id;
        let track = self.tasks.entry(task).or_default();
        if update.sequence <= track.position {
            return;
        }
        if self.ready && track.held.is_empty() && update.follows.is_some_and(|state| state <= track.position)
        {
            track.position = update.sequence;
            out.push(update);
            return;
        }
        let held = &mut track.held;
        // One that was seen to happen says what it followed; one that was read does not.
        if update.follows.is_some() {
            held.insert(update.sequence, update);
        } else {
            held.entry(update.sequence).or_insert(update);
        }
        let too_many = held.len() > MOST_HELD;
        self.holding.entry(task).or_insert(now);
        if too_many && self.ready {
            self.give_up(task, out);
        } else if too_many {
            held.pop_first();
        } else if self.ready {
            self.release(task, now, out);
        }
    }

    /// Brings out what is next in order.
    fn release(&mut self, task: TaskId, now: Instant, out: &mut Ordered) {
        let Some(track) = self.tasks.get_mut(&task) else { return };
        let held = &mut track.held;
        let before = out.len();
        while let Some(first) = held.first_entry() {
            let number = *first.key();
            let follows = first.get().follows.unwrap_or(number.saturating_sub(1));
            if number > track.position && follows > track.position {
                break;
            }
            let update = first.remove();
            if number > track.position {
                track.position = number;
                out.push(update);
            }
        }
        if held.is_empty() {
            self.holding.remove(&task);
        } else if out.len() > before {
            self.holding.insert(task, now);
        }
    }

    /// Brings out everything that is held: what is missing is superseded by it.
    fn give_up(&mut self, task: TaskId, out: &mut Ordered) {
        self.holding.remove(&task);
        let Some(track) = self.tasks.get_mut(&task) else { return };
        for (number, update) in std::mem::take(&mut track.held) {
            if number > track.position {
                track.position = number;
                out.push(update);
            }
        }
    }
}
