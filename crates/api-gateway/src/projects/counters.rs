//! What a task adds to its project's counters, and how a change of the task changes them. Pure: a counter is by
//! construction the sum over the project's tasks.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use protocol::ProjectId;
use protocol::vocabulary::TaskStatus;

use crate::tasks::task::Task;

/// A worker that tells of more tokens is counted with these: its number is nonsense, and must not make the sum of a
/// project overflow.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// How the counters of one project change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// Tasks that hold a slot.
    pub(crate) active: i64,
    /// Tasks that only wait for a slot.
    pub(crate) waiting: i64,
    /// Tasks by status, in the order of [`TaskStatus::ALL`].
    pub(crate) by_status: [i64; 5],
    /// Time from admission to completion of completed tasks, in milliseconds.
    pub(crate) execution_time_ms: i64,
    /// Tokens read by all attempts.
    pub(crate) tokens_input: i64,
    /// Tokens written by all attempts.
    pub(crate) tokens_output: i64,
    /// Tasks by tier.
    pub(crate) tiers: BTreeMap<String, i64>,
}

impl Delta {
    /// Whether a task may now be able to get a slot: one came free, a new one waits, or one left the queue without
    /// taking a slot.
    pub(crate) const fn may_admit(&self) -> bool {
        self.active < 0 || self.waiting > 0 || self.active + self.waiting < 0
    }
}

impl AddAssign<&Self> for Delta {
    fn add_assign(&mut self, other: &Self) {
        self.active += other.active;
        self.waiting += other.waiting;
        for (mine, theirs) in self.by_status.iter_mut().zip(other.by_status) {
            *mine += theirs;
        }
        self.execution_time_ms += other.execution_time_ms;
        self.tokens_input += other.tokens_input;
        self.tokens_output += other.tokens_output;
        for (tier, count) in &other.tiers {
            *self.tiers.entry(tier.clone()).or_default() += count;
        }
    }
}

/// Changes of any number of projects, in the order in which their rows are locked.
#[derive(Debug, Default)]
pub(crate) struct Deltas(pub(crate) BTreeMap<ProjectId, Delta>);

impl Deltas {
    /// A task came into being.
    pub(crate) fn created(&mut self, task: &Task) {
        let delta = self.of(task);
        add(delta, task, 1);
        add_tokens(delta, None, task);
    }

    /// A task changed.
    pub(crate) fn changed(&mut self, before: &Task, after: &Task) {
        let delta = self.of(after);
        add(delta, before, -1);
        add(delta, after, 1);
        add_tokens(delta, Some(before), after);
        delta.tiers.retain(|_, count| *count != 0);
    }

    fn of(&mut self, task: &Task) -> &mut Delta {
        self.0.entry(task.submission.project_id.clone()).or_default()
    }
}

fn add(delta: &mut Delta, task: &Task, sign: i64) {
    delta.active += sign * i64::from(task.holds_slot());
    delta.waiting += sign * i64::from(task.awaits_slot());
    for (counter, status) in delta.by_status.iter_mut().zip(TaskStatus::ALL) {
        *counter += sign * i64::from(task.status == *status);
    }
    delta.execution_time_ms += sign * execution_time_ms(task).unwrap_or_default();
    if let Some(tier) = &task.tier {
        *delta.tiers.entry(tier.as_str().to_owned()).or_default() += sign;
    }
}

/// Tokens were spent even if the attempt came to nothing, so a new attempt takes nothing back.
fn add_tokens(delta: &mut Delta, before: Option<&Task>, after: &Task) {
    let spent = |tokens: fn(&Task) -> Option<u64>| {
        let earlier = before.filter(|before| before.attempt == after.attempt).and_then(tokens);
        let (earlier, now) = (earlier.unwrap_or_default(), tokens(after).unwrap_or_default());
        i64::try_from(now.saturating_sub(earlier).min(MOST_TOKENS)).unwrap_or_default()
    };
    delta.tokens_input += spent(|task| task.work.tokens_input);
    delta.tokens_output += spent(|task| task.work.tokens_output);
}

/// Time from admission to completion; `None` for a task that is not completed.
pub(crate) fn execution_time_ms(task: &Task) -> Option<i64> {
    let (from, to) = (task.admitted_at?, task.completed_at?);
    (task.status == TaskStatus::Completed).then(|| (to - from).num_milliseconds().max(0))
}
