//! A set of changes in the making. Tasks are read with their rows locked, changed in memory by the life cycle, and
//! written back together with everything that follows: history, events, counters, durations, ended waits.
//! Every way to change a task leads through here, so that none of these is ever forgotten.
//! Lock order: agents by id, then the pauses' lock (`pauses`), then tasks by id, then projects by id, then durations by
//! tier and domain. Events, which release nothing, take no lock of pauses.

mod announcements;
mod cause;
mod committed;
mod observation;
mod questions;

pub(crate) use cause::{Cause, SOURCE};
pub(crate) use committed::Committed;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;
use futures_util::future::ready;
use futures_util::try_join;
use messaging::outbox::{self, OutboxEntry};
use protocol::events::Artifact;
use protocol::vocabulary::{Phase, TaskStatus, Tier};
use protocol::{ProjectId, RequestId, TaskId};
use service_runtime::database::{self, Begun};

use super::lifecycle::{self, Ignored, Input, Rules};
use super::store::durations::{Measured, record_durations};
use super::store::history::{HistoryRecord, insert_history};
use super::store::text::storable;
use super::store::{dependencies, insert, update};
use super::task::{Submission, Task};
use crate::audit::{AuditEntry, insert_entries};
use crate::live::TaskUpdate;
use crate::projects::counters::{Deltas, execution_time_ms};
use crate::projects::store::{UnconfirmedSlots, add_to_counters, confirm_slots};
use crate::reviews::store::{close_reviews, insert_reviews};
use crate::webhooks::{Announcement, insert_deliveries};
use crate::workers::Heard;
use announcements::Change;
use observation::Observation;
use questions::Questions;

/// What became of something that happened to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It changed the task.
    Applied,
    /// It did not, and the history says why, unless it is early and worth another try.
    Ignored(Ignored),
    /// There is no such task.
    UnknownTask,
}

/// A task as it was read and, once something changed it, as it was before.
struct Tracked {
    before: Option<Box<Task>>,
    task: Task,
}

/// See the module.
pub(crate) struct ChangeSet<'a> {
    rules: &'a Rules,
    now: DateTime<Utc>,
    tasks: BTreeMap<TaskId, Tracked>,
    created: Vec<Task>,
    waits: Vec<(TaskId, TaskId)>,
    inherited: HashMap<TaskId, Vec<Artifact>>,
    paused_tiers: Vec<Tier>,
    unconfirmed: Option<UnconfirmedSlots>,
    history: Vec<HistoryRecord>,
    events: Vec<OutboxEntry>,
    announcements: Vec<Announcement>,
    updates: Vec<TaskUpdate>,
    observations: Vec<Observation>,
    questions: Questions,
    heard: Vec<Heard>,
    /// Entries of the audit log that tell of the changes.
    pub(crate) audit: Vec<&'a AuditEntry>,
}

impl<'a> ChangeSet<'a> {
    /// Changes to `tasks`, whose rows the caller's transaction has locked.
    pub(crate) fn new(rules: &'a Rules, now: DateTime<Utc>, tasks: Vec<Task>) -> Self {
        let tracked = |task: Task| (task.submission.id, Tracked { before: None, task });
        Self {
            rules,
            now,
            tasks: tasks.into_iter().map(tracked).collect(),
            created: Vec::new(),
            waits: Vec::new(),
            inherited: HashMap::new(),
            paused_tiers: Vec::new(),
            unconfirmed: None,
            history: Vec::new(),
            events: Vec::new(),
            announcements: Vec::new(),
            updates: Vec::new(),
            observations: Vec::new(),
            questions: Questions::default(),
            heard: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// The task as the changes so far have made it.
    pub(crate) fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id).map(|tracked| &tracked.task)
    }

    /// Whether the task's row was there to be locked.
    pub(crate) fn knows(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }

    /// Gives a task what the tasks produced that it depends on, for the event that releases it.
    pub(crate) fn inherit(&mut self, id: TaskId, artifacts: Vec<Artifact>) {
        self.inherited.insert(id, artifacts);
    }

    /// Has routing lead no task to these tiers that is released by these changes.
    pub(crate) fn keep_from(&mut self, paused_tiers: Vec<Tier>) {
        self.paused_tiers = paused_tiers;
    }

    /// Has the commit fail if the slots that these changes take are not there.
    pub(crate) fn confirm(&mut self, slots: UnconfirmedSlots) {
        self.unconfirmed = Some(slots);
    }

    /// Makes a task, which is blocked then, wait for these.
    pub(crate) fn wait_for(&mut self, id: TaskId, others: &[TaskId]) {
        self.waits.extend(others.iter().map(|&other| (id, other)));
    }

    /// Lets something happen to a task.
    ///
    /// # Errors
    /// When an event that follows cannot be written as JSON.
    pub(crate) fn apply(&mut self, id: TaskId, input: &Input, cause: &Cause) -> QueryResult<Decision> {
        let Some(tracked) = self.tasks.get_mut(&id) else { return Ok(Decision::UnknownTask) };
        let mut after = tracked.task.clone();
        match lifecycle::apply(&mut after, input, self.rules, self.now) {
            Ok(effects) => {
                let before = std::mem::replace(&mut tracked.task, after);
                let task = &tracked.task;
                self.history.push(cause.record(&before, task, self.now, None));
                self.observations.push(Observation::applied(cause.event, &before, task, input, self.now));
                self.questions.note(&before, task, input);
                self.heard.extend(Heard::of(&before, task, input, self.now));
                let inherited = self.inherited.get(&id).map_or(&[][..], Vec::as_slice);
                let (from, paused_tiers) = (&before, self.paused_tiers.as_slice());
                let change = Change {
                    before: from,
                    after: task,
                    input,
                    cause,
                    inherited,
                    paused_tiers,
                    now: self.now,
                };
                self.events.extend(change.events(&effects).map_err(unserializable)?);
                self.announcements.extend(change.announcement().map_err(unserializable)?);
                self.updates.push(TaskUpdate::of(task, before.sequence));
                tracked.before.get_or_insert_with(|| Box::new(before));
                Ok(Decision::Applied)
            }
            Err(ignored) => {
                if !ignored.is_early() {
                    self.ignore(id, &ignored, cause);
                }
                Ok(Decision::Ignored(ignored))
            }
        }
    }

    /// Takes in a new task.
    ///
    /// # Errors
    /// When the event that follows cannot be written as JSON.
    pub(crate) fn create(&mut self, submission: Submission, start: &Start, cause: &Cause) -> QueryResult<()> {
        let id = submission.id;
        let admitted = Input::Admitted { request_id: submission.request_id };
        let blocked = matches!(start, Start::Blocked { .. });
        let submitted = Task::submitted(submission, self.rules, blocked);
        let mut task = submitted.clone();
        match start {
            Start::Waiting => {}
            Start::Blocked { by } => self.waits.extend(by.iter().map(|&other| (id, other))),
            Start::Admitted => {
                if let Ok(effects) = lifecycle::apply(&mut task, &admitted, self.rules, self.now) {
                    let (before, after) = (&submitted, &task);
                    let (input, paused_tiers) = (&admitted, self.paused_tiers.as_slice());
                    let change =
                        Change { before, after, input, cause, inherited: &[], paused_tiers, now: self.now };
                    // The request to route it announces the task; a status event would only say it again.
                    self.events.extend(change.effects(&effects).map_err(unserializable)?);
                }
            }
        }
        self.history.push(cause.record(&submitted, &task, self.now, None));
        self.observations.push(Observation::created(&task));
        self.updates.push(TaskUpdate::of(&task, 0));
        self.created.push(task);
        Ok(())
    }

    /// Notes in a task's history that an event changed nothing, and why.
    pub(crate) fn ignore(&mut self, id: TaskId, ignored: &Ignored, cause: &Cause) {
        let Some(task) = self.task(id) else { return };
        let record = cause.record(task, task, self.now, Some(ignored));
        self.history.push(record);
        self.observations.push(Observation::ignored(cause.event));
    }

    /// Adds an event beside those that follow from the changes by themselves.
    pub(crate) fn announce(&mut self, entry: OutboxEntry) {
        self.events.push(entry);
    }

    /// Writes everything, inside the caller's transaction.
    ///
    /// # Errors
    /// As the database tells; a row that changed although it was locked is an error as well.
    pub(crate) async fn write(self, conn: &mut AsyncPgConnection) -> QueryResult<Committed> {
        self.write_and(conn, ready(Ok(()))).await.map(|(committed, ())| committed)
    }

    /// Writes everything and commits the transaction, in one exchange with the database.
    ///
    /// # Errors
    /// Those of [`ChangeSet::write`], and a serialization failure when slots that were promised are not there.
    pub(crate) async fn commit(
        self,
        conn: &mut AsyncPgConnection,
        begun: Begun,
    ) -> QueryResult<(Committed, database::Committed)> {
        let end = database::commit(conn, begun);
        self.write_and(conn, end).await
    }

    /// Writes everything; `end` is sent behind it.
    async fn write_and<E>(
        self,
        conn: &AsyncPgConnection,
        end: impl Future<Output = QueryResult<E>>,
    ) -> QueryResult<(Committed, E)> {
        let mut deltas = Deltas::default();
        self.created.iter().for_each(|task| deltas.created(task));
        for (before, after) in self.changed() {
            deltas.changed(before, after);
        }
        let (measured, ended, unblocked) = (self.measured(), self.ended(), self.unblocked());
        let Questions { asked, closed } = &self.questions;
        // Sent one behind the other, without waiting for each answer: the server carries them out in this order, and
        // after one that fails it refuses those behind it. This `try_join!` asks them in their order, other than tokio's,
        // and one whose statement has yet to be prepared holds up those behind it. Each is a single statement, or several
        // sent together: one that waited for the answer of another would come after the end.
        let statements = async {
            try_join!(
                insert::insert_tasks(conn, &self.created),
                dependencies::insert_waits(conn, &self.waits),
                update::update_tasks(conn, self.changed().map(|(before, after)| (before.sequence, after))),
                dependencies::delete_waits(conn, &unblocked),
                insert_reviews(conn, asked, self.now),
                close_reviews(conn, closed, self.now),
                insert_history(conn, &self.history),
                outbox::insert(conn, &self.events),
                insert_entries(conn, self.audit.iter().copied()),
                insert_deliveries(conn, &self.announcements, self.now),
                dependencies::list_awaited(conn, &ended),
                add_to_counters(conn, &deltas, self.now),
                record_durations(conn, &measured),
                self.confirm_slots(conn, &deltas),
                end,
            )
        };
        // On the heap: so many at once would make large futures of all that lead here.
        let ((), (), (), (), (), (), (), (), (), deliveries, awaited, with_queue, (), (), end) =
            Box::pin(statements).await?;
        let may_admit = may_admit(&deltas, &with_queue);
        let outcome = Outcome { has_deliveries: deliveries > 0, awaited, may_admit };
        Ok((self.committed(outcome), end))
    }

    /// Tasks that end.
    fn ended(&self) -> Vec<TaskId> {
        let ends = self.changed().filter(|(before, after)| ends(before, after));
        ends.map(|(_, after)| after.submission.id).collect()
    }

    fn changed(&self) -> impl Iterator<Item = (&Task, &Task)> {
        self.tasks.values().filter_map(|tracked| Some((tracked.before.as_deref()?, &tracked.task)))
    }

    /// Tasks that are blocked no longer.
    fn unblocked(&self) -> Vec<TaskId> {
        let was_blocked =
            |before: &Task, after: &Task| before.phase == Phase::Blocked && after.phase != Phase::Blocked;
        let unblocked = self.changed().filter(|(before, after)| was_blocked(before, after));
        unblocked.map(|(_, after)| after.submission.id).collect()
    }

    async fn confirm_slots(&self, conn: &AsyncPgConnection, deltas: &Deltas) -> QueryResult<()> {
        match &self.unconfirmed {
            Some(slots) => confirm_slots(conn, deltas, slots).await,
            None => Ok(()),
        }
    }

    /// Durations of the tasks that were completed, by tier and domain.
    fn measured(&self) -> Vec<Measured> {
        let mut groups: BTreeMap<(&str, &str), (i64, f64)> = BTreeMap::new();
        for (before, after) in self.changed() {
            let newly = before.status != TaskStatus::Completed;
            let routed = after.tier.as_ref().zip(after.domain.as_ref());
            if let (true, Some((tier, domain)), Some(ms)) = (newly, routed, execution_time_ms(after)) {
                let group = groups.entry((tier.as_str(), domain.as_str())).or_default();
                group.0 += 1;
                group.1 += ms as f64;
            }
        }
        let measured = |((tier, domain), (samples, sum_ms)): ((&str, &str), _)| Measured {
            tier: storable(tier).into_owned(),
            domain: storable(domain).into_owned(),
            samples,
            sum_ms,
        };
        groups.into_iter().map(measured).collect()
    }

    fn committed(self, outcome: Outcome) -> Committed {
        let mut families = Vec::new();
        for (before, after) in self.changed() {
            if ends(before, after) {
                families.extend(after.submission.parent_id);
            }
            if before.phase == Phase::Decomposed && after.phase != Phase::Decomposed {
                families.push(after.submission.id);
            }
        }
        let changed = self.tasks.into_values().filter(|tracked| tracked.before.is_some());
        let tasks = self.created.into_iter().chain(changed.map(|tracked| tracked.task)).collect();
        let Self { events, updates, observations, heard, .. } = self;
        let Outcome { has_deliveries, awaited, may_admit } = outcome;
        Committed {
            tasks,
            events,
            updates,
            may_admit,
            awaited,
            families,
            heard,
            has_deliveries,
            observations,
        }
    }
}

/// What the database told while the changes were written.
struct Outcome {
    has_deliveries: bool,
    awaited: Vec<TaskId>,
    may_admit: Vec<ProjectId>,
}

fn ends(before: &Task, after: &Task) -> bool {
    !before.status.is_terminal() && after.status.is_terminal()
}

/// Projects in which a task that waits for a slot may now get one. Where none waits nobody has to look: one that comes
/// to wait at the same moment is counted behind us, under the lock of the project's row, and its writer will see.
fn may_admit(deltas: &Deltas, with_queue: &BTreeSet<String>) -> Vec<ProjectId> {
    let may_admit =
        deltas.0.iter().filter(|(project, delta)| delta.may_admit() && with_queue.contains(project.as_str()));
    may_admit.map(|(project, _)| project.clone()).collect()
}

/// How a new task begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// A slot is free: it is released to routing at once.
    Admitted,
    /// It waits for a slot, or for its time.
    Waiting,
    /// It waits for other tasks.
    Blocked {
        /// Those that are not completed yet.
        by: Vec<TaskId>,
    },
}

/// A new hand-over id for an attempt that is released; only the first attempt has one already.
pub(crate) fn admitted() -> Input {
    Input::Admitted { request_id: RequestId::generate() }
}

fn unserializable(error: serde_json::Error) -> DieselError {
    DieselError::SerializationError(error.into())
}
