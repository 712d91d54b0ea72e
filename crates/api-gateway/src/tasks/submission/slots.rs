//! The slots that a batch of submissions takes, and what its tasks begin with. Where slots are plenty they are taken
//! without holding the project's row, and the limit is confirmed before the commit: the row is wanted by every
//! change of the project's tasks, and a submission that held it from its beginning would have them all wait.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::vocabulary::Tier;
use protocol::{ProjectId, TaskId};

use super::Ticket;
use crate::pauses::store::list_paused_for_release;
use crate::projects::defaults::{Defaults, SubmissionRow, list_for_submission, lock_for_submission};
use crate::projects::store::{SlotsRow, UnconfirmedSlots, insert_missing_projects};
use crate::tasks::task::Submission;

/// Slots are plenty when there are so many times more of them than the batch needs.
const PLENTY: i64 = 4;

/// Whether the projects' rows are held from the beginning of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Only those of a batch in which some project's slots are scarce.
    IfScarce,
    /// All of them.
    Always,
}

/// See the module.
pub(super) struct Slots {
    pub(super) defaults: Defaults,
    free: BTreeMap<String, Free>,
    /// Tiers that nothing is released to.
    pub(super) paused_tiers: Vec<Tier>,
    default_limit: u32,
    held: bool,
}

struct Free {
    slots: i64,
    /// Tasks that came earlier wait already; nobody overtakes them here.
    queue: bool,
}

/// The projects of a batch as they were when its transaction began, without holding their rows.
pub(super) struct Glance {
    rows: Vec<SubmissionRow>,
    paused_tiers: Vec<Tier>,
}

impl Glance {
    pub(super) async fn at(conn: &AsyncPgConnection, batch: &[Ticket]) -> QueryResult<Self> {
        let projects = batch.iter().map(|ticket| &ticket.submission.project_id).collect();
        let (rows, paused_tiers) = list_for_submission(conn, &projects).await?;
        Ok(Self { rows, paused_tiers })
    }
}

impl Slots {
    /// The slots for what was accepted: as they were seen, if they are plenty then and need not be held.
    pub(super) async fn find(
        conn: &mut AsyncPgConnection,
        default_limit: u32,
        accepted: &[&Ticket],
        seen: Glance,
        hold: Hold,
    ) -> QueryResult<Self> {
        let mut wanted: BTreeMap<&ProjectId, i64> = BTreeMap::new();
        for ticket in accepted {
            *wanted.entry(&ticket.submission.project_id).or_default() += 1;
        }
        if hold == Hold::IfScarce {
            let Glance { rows, paused_tiers } = seen;
            let slots = Self::of(rows, default_limit, false);
            if wanted.iter().all(|(project, &tasks)| slots.has_plenty(project, tasks)) {
                return Ok(Self { paused_tiers, ..slots });
            }
        }
        let paused_tiers = list_paused_for_release(conn).await?;
        let slots = Self::lock(conn, default_limit, &wanted.keys().copied().collect::<Vec<_>>()).await?;
        Ok(Self { paused_tiers, ..slots })
    }

    async fn lock(
        conn: &mut AsyncPgConnection,
        default_limit: u32,
        wanted: &[&ProjectId],
    ) -> QueryResult<Self> {
        let mut rows = lock_for_submission(conn, wanted).await?;
        if rows.len() < wanted.len() {
            let found: BTreeSet<&str> = rows.iter().map(|row| row.slots.project_id.as_str()).collect();
            let missing: Vec<&ProjectId> =
                wanted.iter().copied().filter(|id| !found.contains(id.as_str())).collect();
            insert_missing_projects(conn, &missing).await?;
            rows.extend(lock_for_submission(conn, &missing).await?);
        }
        Ok(Self::of(rows, default_limit, true))
    }

    fn of(rows: Vec<SubmissionRow>, default_limit: u32, held: bool) -> Self {
        let mut defaults = Defaults::default();
        let free = |row: SlotsRow| {
            let free = Free { slots: row.free(default_limit), queue: row.waiting > 0 };
            (row.project_id, free)
        };
        let free = rows.into_iter().map(|row| free(defaults.take(row))).collect();
        Self { defaults, free, paused_tiers: Vec::new(), default_limit, held }
    }

    fn has_plenty(&self, project: &ProjectId, tasks: i64) -> bool {
        let free = self.free.get(project.as_str());
        free.is_some_and(|free| !free.queue && free.slots >= tasks.saturating_mul(PLENTY))
    }

    /// Gives the free slots to the most urgent, then to those that came first.
    pub(super) fn admit(&mut self, accepted: &[&Ticket], now: DateTime<Utc>) -> BTreeSet<TaskId> {
        let mut candidates: Vec<&Submission> = accepted
            .iter()
            .map(|ticket| &ticket.submission)
            .filter(|submission| submission.depends_on.is_empty())
            .filter(|submission| submission.not_before.is_none_or(|time| time <= now))
            .filter(|submission| !self.is_paused(submission))
            .collect();
        candidates.sort_by_key(|submission| std::cmp::Reverse(submission.priority.rank()));
        let mut admitted = BTreeSet::new();
        for submission in candidates {
            if let Some(free) = self.free.get_mut(submission.project_id.as_str())
                && !free.queue
                && free.slots > 0
            {
                free.slots -= 1;
                admitted.insert(submission.id);
            }
        }
        admitted
    }

    fn is_paused(&self, submission: &Submission) -> bool {
        let pinned = submission.options.tier.as_ref();
        pinned.is_some_and(|tier| self.paused_tiers.contains(tier))
    }

    /// What has to be confirmed before the commit, because others may have taken slots at the same time.
    pub(super) fn unconfirmed(&self) -> Option<UnconfirmedSlots> {
        let Self { default_limit, ref paused_tiers, held, .. } = *self;
        (!held).then(|| UnconfirmedSlots { default_limit, paused_tiers: paused_tiers.clone() })
    }

    pub(super) fn has_free(&self, project: &ProjectId) -> bool {
        self.free.get(project.as_str()).is_some_and(|free| free.slots > 0)
    }
}
