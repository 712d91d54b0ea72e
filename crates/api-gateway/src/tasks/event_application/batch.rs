//! One batch of events on its way through one transaction.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::try_join;
use messaging::{Outcome, Received, inbox};
use metrics::counter;
use protocol::events::EventData;
use protocol::{EventId, TaskId, topology};
use service_runtime::database::{self, begin_by_keys};

use super::translation::{Meaning, meaning};
use crate::agents::store::record_sightings;
use crate::agents::{Sighting, Sightings, note_held_tasks};
use crate::metrics::DUPLICATES;
use crate::tasks::changes::{Cause, ChangeSet, Committed, Decision};
use crate::tasks::decomposition::{self, Ancestry, plan::PlanLimits};
use crate::tasks::lifecycle::{Ignored, Input, Rules};
use crate::tasks::store::family::count_ancestors;
use crate::tasks::store::inbox::forget_events;
use crate::tasks::store::read::{list_inherited, lock_tasks};
use crate::trust::{Noted, Notice, Notices};

/// How long an event may wait for its task, or for the event it builds on.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event that means something for a task.
struct Telling {
    event_id: EventId,
    task_id: TaskId,
    meaning: Meaning,
    cause: Cause,
    /// When it was put back first.
    first_failed_at: Option<DateTime<Utc>>,
}

impl Telling {
    /// Whether putting it back once more would take longer than it may wait.
    fn comes_for_the_last_time(&self, now: DateTime<Utc>) -> bool {
        let [shortest, ..] = topology::RETRY_DELAYS;
        let waited = self.first_failed_at.and_then(|since| (now - since).to_std().ok());
        waited.is_some_and(|waited| waited + shortest > PATIENCE)
    }
}

/// See the module.
pub(super) struct Batch {
    /// `None` for what means nothing for a task.
    tellings: Vec<Option<Telling>>,
    heartbeats: Vec<Sighting>,
    notices: Notices,
    outcomes: Vec<Outcome>,
}

impl Batch {
    pub(super) fn translate(received: Vec<Received>) -> Self {
        let mut outcomes = Vec::with_capacity(received.len());
        let mut tellings = Vec::with_capacity(received.len());
        let mut heartbeats = Vec::new();
        let mut notices = Notices::default();
        for Received { event, traceparent, first_failed_at, .. } in received {
            if let Some(notice) = Notice::of(&event) {
                notices.add(event.id, notice);
                tellings.push(None);
                outcomes.push(Outcome::Done);
                continue;
            }
            if let EventData::AgentHeartbeat(heartbeat) = event.data {
                heartbeats.push(Sighting::new(heartbeat, event.time));
                tellings.push(None);
                outcomes.push(Outcome::Done);
                continue;
            }
            let name = event.data.kind().name();
            let source = if event.source.is_empty() { "unnamed".to_owned() } else { event.source };
            let cause = Cause {
                event: name,
                event_id: Some(event.id),
                source: source.into(),
                note: None,
                trace_id: event.trace_id,
                traceparent,
            };
            let telling = meaning(event.data, event.trace_id).map(|(task_id, meaning)| {
                let cause = Cause { note: note_of(&meaning), ..cause };
                Telling { event_id: event.id, task_id, meaning, cause, first_failed_at }
            });
            outcomes.push(match telling {
                Some(_) => Outcome::Done,
                None => Outcome::Dead { reason: format!("{name} means nothing to this service") },
            });
            tellings.push(telling);
        }
        Self { tellings, heartbeats, notices, outcomes }
    }

    pub(super) fn outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }

    /// Applies the events in their order, in one transaction. May be called again after a rollback.
    pub(super) async fn apply(
        &mut self,
        conn: &mut AsyncPgConnection,
        rules: &Rules,
        limits: PlanLimits,
        now: DateTime<Utc>,
    ) -> QueryResult<((Committed, Noted), database::Committed)> {
        // Nobody is heard in the future, whatever the envelope of a stranger says.
        self.heartbeats.iter_mut().for_each(|heartbeat| heartbeat.at = heartbeat.at.min(now));
        let (sightings, tasks, events) = (Sightings::of(&self.heartbeats), self.tasks(), self.events());
        // Sent together; carried out in this order. Whoever was seen may have been seen for nothing if the transaction
        // could not be begun; an event that was claimed may not.
        let (begun, (), locked, mut new) = try_join!(
            begin_by_keys(conn),
            record_sightings(conn, &sightings),
            lock_tasks(conn, &tasks),
            inbox::claim_begun(conn, &events),
        )?;
        let mut changes = ChangeSet::new(rules, now, locked);
        let ancestry = self.ancestry(conn, &changes).await?;
        let (mut early, mut unseen) = (Vec::new(), Vec::new());
        for (index, telling) in self.tellings.iter().enumerate() {
            let Some(telling) = telling else { continue };
            let outcome = if !changes.knows(telling.task_id) {
                unseen.extend(new.take(&telling.event_id));
                come_back(format!("there is no task {}", telling.task_id))
            } else if !new.remove(&telling.event_id) {
                counter!(DUPLICATES, "event" => telling.cause.event).increment(1);
                Outcome::Done
            } else if is_early(&tell(&mut changes, telling, &ancestry, limits)?) {
                early.push(index);
                continue;
            } else {
                Outcome::Done
            };
            set(&mut self.outcomes, index, outcome);
        }
        unseen.extend(self.retry_early(&mut changes, early, &ancestry, limits, now)?);
        forget_events(conn, &unseen).await?;
        for heartbeat in &self.heartbeats {
            note_held_tasks(&mut changes, heartbeat)?;
        }
        let noted = self.notices.note(conn, now).await?;
        let (committed, end) = changes.commit(conn, begun).await?;
        Ok(((committed, noted), end))
    }

    /// Every task that something is told about, by its id.
    fn tasks(&self) -> Vec<TaskId> {
        let told = self.tellings.iter().flatten().map(|telling| telling.task_id);
        let held = self.heartbeats.iter().filter_map(|heartbeat| heartbeat.current_task_id);
        told.chain(held).collect::<BTreeSet<TaskId>>().into_iter().collect()
    }

    /// The events that tell something about tasks.
    fn events(&self) -> Vec<EventId> {
        self.tellings.iter().flatten().map(|telling| telling.event_id).collect()
    }

    /// How deep the tasks lie that have a plan in this batch, and what those produced that they depend on.
    async fn ancestry(
        &self,
        conn: &mut AsyncPgConnection,
        changes: &ChangeSet<'_>,
    ) -> QueryResult<HashMap<TaskId, Ancestry>> {
        let planned =
            self.tellings.iter().flatten().filter(|telling| matches!(telling.meaning, Meaning::Plan(_)));
        let ids: Vec<TaskId> = planned.map(|telling| telling.task_id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let depths = count_ancestors(conn, &ids).await?;
        let mut inherited = list_inherited(conn, ids.iter().filter_map(|&id| changes.task(id))).await?;
        let ancestry =
            |(id, depth)| (id, Ancestry { depth, inherited: inherited.remove(&id).unwrap_or_default() });
        Ok(depths.into_iter().map(ancestry).collect())
    }

    /// What an early event builds on may have come later in the same batch. What is still early comes back later, as
    /// if it had not been seen: the events for which that is so.
    fn retry_early(
        &mut self,
        changes: &mut ChangeSet<'_>,
        early: Vec<usize>,
        ancestry: &HashMap<TaskId, Ancestry>,
        limits: PlanLimits,
        now: DateTime<Utc>,
    ) -> QueryResult<Vec<EventId>> {
        let mut unseen = Vec::new();
        for index in early {
            let Some(telling) = self.tellings.get(index).and_then(Option::as_ref) else { continue };
            let outcome = match tell(changes, telling, ancestry, limits)? {
                Decision::Ignored(Ignored::Early(phase)) if telling.comes_for_the_last_time(now) => {
                    // Somebody may still deliver it again, when what it builds on has come.
                    unseen.push(telling.event_id);
                    let ignored = Ignored::Unfounded(phase);
                    changes.ignore(telling.task_id, &ignored, &telling.cause);
                    Outcome::Dead { reason: ignored.to_string() }
                }
                Decision::Ignored(ignored) if ignored.is_early() => {
                    unseen.push(telling.event_id);
                    come_back(ignored.to_string())
                }
                _ => Outcome::Done,
            };
            set(&mut self.outcomes, index, outcome);
        }
        Ok(unseen)
    }
}

/// What the history should say beside the event's name.
fn note_of(meaning: &Meaning) -> Option<String> {
    match meaning {
        Meaning::Input(Input::Withheld { tier, .. }) => Some(format!("tier {tier} is paused")),
        _ => None,
    }
}

fn tell(
    changes: &mut ChangeSet<'_>,
    telling: &Telling,
    ancestry: &HashMap<TaskId, Ancestry>,
    limits: PlanLimits,
) -> QueryResult<Decision> {
    match &telling.meaning {
        Meaning::Input(input) => changes.apply(telling.task_id, input, &telling.cause),
        Meaning::Plan(plan) => {
            let unknown = Ancestry::default();
            let ancestry = ancestry.get(&telling.task_id).unwrap_or(&unknown);
            decomposition::apply_plan(changes, plan, ancestry, limits, &telling.cause)
        }
    }
}

const fn is_early(decision: &Decision) -> bool {
    matches!(decision, Decision::Ignored(ignored) if ignored.is_early())
}

fn come_back(reason: String) -> Outcome {
    Outcome::Retry { reason, within: Some(PATIENCE) }
}

fn set(outcomes: &mut [Outcome], index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = outcome;
    }
}
