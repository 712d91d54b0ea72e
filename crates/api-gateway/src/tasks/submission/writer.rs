//! Writes a batch of submissions in one transaction. If the database refuses the batch, each is tried alone, so
//! that one bad row costs nobody else their task. Submissions that name their task find it if it is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use futures_util::try_join;
use protocol::TaskId;
use protocol::vocabulary::TaskStatus;
use service_runtime::database::{self, Pipeline, StoreError, begin_by_keys};
use tracing::warn;

use super::rounds::rounds;
use super::slots::{Glance, Hold, Slots};
use super::{SubmitError, Ticket};
use crate::group_commit::BatchWriter;
use crate::metrics::SUBMISSION_BATCH;
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet, Committed, Start};
use crate::tasks::dispatch::asks_the_same;
use crate::tasks::store::dependencies::{Dependency, lock_dependencies};
use crate::tasks::store::named::{find_tasks, has_parameters};
use crate::tasks::task::{Submission, Task};
use crate::trust::store::list_tainted;

/// What the history calls a submission.
const SUBMITTED: &str = "task.submitted";

type Answer = Result<Task, SubmitError>;

/// See the module.
pub(super) struct SubmissionWriter {
    service: TaskService,
}

#[async_trait]
impl BatchWriter for SubmissionWriter {
    type Item = Ticket;
    type Answer = Answer;

    async fn write(&self, batch: Vec<Ticket>) -> Vec<Answer> {
        metrics::histogram!(SUBMISSION_BATCH).record(batch.len() as f64);
        let mut answers = BTreeMap::new();
        for round in rounds(batch) {
            let (places, tickets): (Vec<usize>, Vec<Ticket>) = round.into_iter().unzip();
            answers.extend(places.into_iter().zip(self.write_round(tickets).await));
        }
        answers.into_values().collect()
    }
}

fn warn_about(error: &StoreError, tasks: usize) {
    let error: &dyn std::error::Error = error;
    warn!(batch.tasks = tasks, error, "a batch of submissions is written one by one");
}

impl SubmissionWriter {
    pub(super) const fn new(service: TaskService) -> Self {
        Self { service }
    }

    /// Answers tickets of which no two name the same task.
    async fn write_round(&self, batch: Vec<Ticket>) -> Vec<Answer> {
        match self.write_settled(&batch).await {
            Ok(answers) => answers,
            Err(StoreError::Unavailable(cause)) => {
                let text = cause.to_string();
                let unavailable = || StoreError::Unavailable(text.clone().into());
                batch.iter().map(|_| Err(SubmitError::Store(unavailable()))).collect()
            }
            Err(error) if batch.len() > 1 => {
                warn_about(&error, batch.len());
                self.write_one_by_one(batch).await
            }
            Err(error) => vec![Err(SubmitError::Store(error))],
        }
    }

    async fn write_one_by_one(&self, batch: Vec<Ticket>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(batch.len());
        for ticket in batch {
            let answer = match self.write_settled(&[ticket]).await {
                Ok(answer) => answer.into_iter().next().unwrap_or(Err(SubmitError::Stopping)),
                Err(error) => Err(SubmitError::Store(error)),
            };
            answers.push(answer);
        }
        answers
    }

    /// A task that another gateway stored at the same moment is there at the second look.
    async fn write_settled(&self, batch: &[Ticket]) -> Result<Vec<Answer>, StoreError> {
        match self.write_together(batch).await {
            Err(StoreError::Conflict(_)) => self.write_together(batch).await,
            written => written,
        }
    }

    /// First without waiting for the projects' rows, which every change of their tasks wants for a moment; if that
    /// would have given away a slot too many, again under their locks.
    async fn write_together(&self, batch: &[Ticket]) -> Result<Vec<Answer>, StoreError> {
        let service = &self.service;
        let mut pipeline = Pipeline::new(service.connection().await?);
        let mut hold = Hold::IfScarce;
        let (committed, mut answered) = loop {
            let written =
                pipeline.run(async |conn| store_batch(conn, service, batch, hold, service.now()).await).await;
            match written {
                Err(error) if is_serialization_failure(&error) && hold == Hold::IfScarce => {
                    hold = Hold::Always;
                }
                written => break written?,
            }
        };
        drop(pipeline);
        let mut stored = service.committed(committed).into_iter();
        let answers = batch.iter().map(|ticket| match answered.remove(&ticket.submission.id) {
            Some(answer) => answer,
            None => stored.next().ok_or(SubmitError::Stopping),
        });
        Ok(answers.collect())
    }
}

/// Answers to tickets that nothing is stored for.
type Answered = HashMap<TaskId, Answer>;

async fn store_batch(
    conn: &mut AsyncPgConnection,
    service: &TaskService,
    batch: &[Ticket],
    hold: Hold,
    now: DateTime<Utc>,
) -> QueryResult<((Committed, Answered), database::Committed)> {
    // Sent together; carried out in this order.
    let (begun, named, seen) =
        try_join!(begin_by_keys(conn), find_named(conn, batch), Glance::at(conn, batch))?;
    let known = known_dependencies(conn, batch).await?;
    let mut answered = answer_named(conn, batch, named).await?;
    for Ticket { submission, .. } in batch {
        let unknown = unknown_dependencies(submission, &known);
        if !unknown.is_empty() {
            answered.insert(submission.id, Err(SubmitError::UnknownDependencies(unknown)));
        }
    }
    let accepted: Vec<&Ticket> =
        batch.iter().filter(|ticket| !answered.contains_key(&ticket.submission.id)).collect();
    let mut slots = Slots::find(conn, service.default_limit(), &accepted, seen, hold).await?;
    let free = without_tainted_inputs(conn, &accepted).await?;
    let admitted = slots.admit(&free, now);
    let mut changes = ChangeSet::new(service.rules(), now, Vec::new());
    changes.keep_from(slots.paused_tiers.clone());
    for ticket in accepted {
        let submission = slots.defaults.fill_in(ticket.submission.clone(), ticket.open);
        let start =
            if admitted.contains(&submission.id) { Start::Admitted } else { start_of(&submission, &known) };
        let cause = Cause {
            traceparent: ticket.traceparent.clone(),
            trace_id: Some(submission.trace_id),
            ..Cause::ours(SUBMITTED)
        };
        changes.create(submission, &start, &cause)?;
    }
    for ticket in batch.iter().filter(|ticket| is_taken_in(&answered, ticket)) {
        changes.audit.extend(&ticket.audit);
    }
    if let Some(slots) = slots.unconfirmed() {
        changes.confirm(slots);
    }
    let (mut committed, end) = changes.commit(conn, begun).await?;
    // Those that wait were just found to have no slot: looking again would be in vain.
    committed.may_admit.retain(|project| slots.has_free(project));
    Ok(((committed, answered), end))
}

const fn is_serialization_failure(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _))
}

/// Whether it is stored now or was before.
fn is_taken_in(answered: &Answered, ticket: &Ticket) -> bool {
    answered.get(&ticket.submission.id).is_none_or(Result::is_ok)
}

/// Whoever would use something tainted is not released at once: admission will see, and say so.
async fn without_tainted_inputs<'t>(
    conn: &mut AsyncPgConnection,
    accepted: &[&'t Ticket],
) -> QueryResult<Vec<&'t Ticket>> {
    let inputs = accepted.iter().flat_map(|ticket| &ticket.submission.inputs);
    let names: BTreeSet<&str> = inputs.map(|input| input.artifact_id.as_str()).collect();
    if names.is_empty() {
        return Ok(accepted.to_vec());
    }
    let tainted = list_tainted(conn, names.into_iter().collect()).await?;
    let is_free = |ticket: &&&Ticket| {
        let inputs = &ticket.submission.inputs;
        !inputs.iter().any(|input| tainted.contains(input.artifact_id.as_str()))
    };
    Ok(accepted.iter().filter(is_free).copied().collect())
}

/// Tasks that are there already of those that the batch names.
type Named = HashMap<TaskId, Task>;

/// Work for agents names its task, and so does a request that is served again.
async fn find_named(conn: &AsyncPgConnection, batch: &[Ticket]) -> QueryResult<Named> {
    let is_named = |ticket: &&Ticket| ticket.is_repeatable || ticket.submission.work_type.is_some();
    let ids: Vec<TaskId> = batch.iter().filter(is_named).map(|ticket| ticket.submission.id).collect();
    if ids.is_empty() { Ok(Named::new()) } else { find_tasks(conn, &ids).await }
}

/// Where a task is there already, it is the answer, or in the way.
async fn answer_named(
    conn: &mut AsyncPgConnection,
    batch: &[Ticket],
    mut named: Named,
) -> QueryResult<Answered> {
    let mut answered = Answered::new();
    for Ticket { submission: asked, is_repeatable, .. } in batch {
        let Some(task) = named.remove(&asked.id) else { continue };
        let same = *is_repeatable
            || (asks_the_same(&task.submission, asked)
                && has_parameters(conn, asked.id, &asked.parameters).await?);
        answered.insert(asked.id, if same { Ok(task) } else { Err(SubmitError::TaskExists) });
    }
    Ok(answered)
}

type Known = HashMap<TaskId, Dependency>;

async fn known_dependencies(conn: &mut AsyncPgConnection, batch: &[Ticket]) -> QueryResult<Known> {
    let named: BTreeSet<TaskId> =
        batch.iter().flat_map(|ticket| ticket.submission.depends_on.iter().copied()).collect();
    if named.is_empty() {
        return Ok(Known::new());
    }
    let named: Vec<TaskId> = named.into_iter().collect();
    let found = lock_dependencies(conn, &named).await?;
    Ok(found.into_iter().map(|dependency| (dependency.task_id, dependency)).collect())
}

/// Dependencies that do not exist, or not in the task's project, which for the submitter is the same.
fn unknown_dependencies(submission: &Submission, known: &Known) -> Vec<TaskId> {
    let project = submission.project_id.as_str();
    let is_known = |id: &TaskId| known.get(id).is_some_and(|dependency| dependency.project_id == project);
    submission.depends_on.iter().copied().filter(|id| !is_known(id)).collect()
}

fn start_of(submission: &Submission, known: &Known) -> Start {
    let completed =
        |id: &TaskId| known.get(id).is_some_and(|dependency| dependency.status == TaskStatus::Completed);
    let by: Vec<TaskId> = submission.depends_on.iter().copied().filter(|id| !completed(id)).collect();
    if by.is_empty() { Start::Waiting } else { Start::Blocked { by } }
}
