//! A task's row, read back into the task it stands for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use protocol::events::{Artifact, Feedback, Input, JsonObject, Routing, TaskOptions};
use protocol::vocabulary::Priority;
use protocol::{ProjectId, RequestId, TaskId, TraceId};
use serde_json::Value;
use uuid::Uuid;

use super::json::Json;
use crate::schema::tasks;
use crate::tasks::task::{AttemptError, PendingReview, Submission, Subtasks, Task, Waiting, Work};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct TaskRow {
    #[diesel(embed)]
    submission: SubmissionColumns,
    #[diesel(embed)]
    state: StateColumns,
    #[diesel(embed)]
    route: RouteColumns,
    #[diesel(embed)]
    work: WorkColumns,
    #[diesel(embed)]
    past: PastColumns,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct SubmissionColumns {
    task_id: Uuid,
    project_id: String,
    description: String,
    priority: i16,
    execution_mode: String,
    options: Json<TaskOptions>,
    inputs: Json<Vec<Input>>,
    depends_on: Vec<Uuid>,
    not_before: Option<DateTime<Utc>>,
    metadata: Json<JsonObject>,
    constitution: Option<Json<JsonObject>>,
    parent_id: Option<Uuid>,
    work_type: Option<String>,
    parameters: Option<Json<JsonObject>>,
    trace_id: Uuid,
    first_request_id: Uuid,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct StateColumns {
    status: String,
    phase: String,
    attempt: i32,
    max_attempts: i32,
    request_id: Uuid,
    sequence: i64,
    waiting_reason: Option<String>,
    waiting_detail: Option<String>,
    wake_at: Option<DateTime<Utc>>,
    deadline_at: Option<DateTime<Utc>>,
    phase_since: DateTime<Utc>,
    admitted_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct RouteColumns {
    work_mode: Option<String>,
    domain: Option<String>,
    tier: Option<String>,
    qa_profile: Option<String>,
    routing: Option<Json<Routing>>,
    minimum_tier: Option<String>,
    rejections_at_tier: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct WorkColumns {
    worker_id: Option<String>,
    work_started_at: Option<DateTime<Utc>>,
    progress_percent: Option<f64>,
    progress_message: Option<String>,
    artifacts: Json<Vec<Artifact>>,
    model_used: Option<String>,
    tokens_input: Option<i64>,
    tokens_output: Option<i64>,
    execution_time_ms: Option<i64>,
    output: Option<String>,
    exit_code: Option<i64>,
    analysis: Option<Json<Value>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct PastColumns {
    review: Option<Json<PendingReview>>,
    subtasks_total: i32,
    subtasks_completed: i32,
    subtasks_failed: i32,
    feedback: Json<Vec<Feedback>>,
    errors: Json<Vec<AttemptError>>,
    error: Option<Json<AttemptError>>,
}

/// A row that no version of this service wrote.
pub(crate) fn corrupt(column: &'static str, found: impl std::fmt::Display) -> DieselError {
    DieselError::DeserializationError(format!("column {column} holds {found}").into())
}

/// The word of a closed vocabulary.
pub(crate) fn word<T: std::str::FromStr>(column: &'static str, text: &str) -> QueryResult<T> {
    text.parse().map_err(|_| corrupt(column, format_args!("the unknown word {text:?}")))
}

pub(crate) fn count(column: &'static str, number: i32) -> QueryResult<u32> {
    u32::try_from(number).map_err(|_| corrupt(column, number))
}

/// A size that cannot be negative; the table's writers only ever store those.
fn amount(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

impl TryFrom<TaskRow> for Task {
    type Error = DieselError;

    fn try_from(row: TaskRow) -> QueryResult<Self> {
        let TaskRow { submission, state, route, work, past } = row;
        Ok(Self {
            submission: submission.try_into()?,
            status: word("status", &state.status)?,
            phase: word("phase", &state.phase)?,
            attempt: count("attempt", state.attempt)?,
            max_attempts: count("max_attempts", state.max_attempts)?,
            request_id: RequestId(state.request_id),
            sequence: u64::try_from(state.sequence).map_err(|_| corrupt("sequence", state.sequence))?,
            waiting: waiting(state.waiting_reason, state.waiting_detail)?,
            wake_at: state.wake_at,
            deadline_at: state.deadline_at,
            phase_since: state.phase_since,
            admitted_at: state.admitted_at,
            started_at: state.started_at,
            completed_at: state.completed_at,
            updated_at: state.updated_at,
            work_mode: route.work_mode.map(Into::into),
            domain: route.domain.map(Into::into),
            tier: route.tier.map(Into::into),
            qa_profile: route.qa_profile.map(Into::into),
            routing: route.routing.map(|routing| routing.0),
            minimum_tier: route.minimum_tier.map(Into::into),
            rejections_at_tier: count("rejections_at_tier", route.rejections_at_tier)?,
            work: work.into(),
            review: past.review.map(|review| review.0),
            subtasks: Subtasks {
                total: count("subtasks_total", past.subtasks_total)?,
                completed: count("subtasks_completed", past.subtasks_completed)?,
                failed: count("subtasks_failed", past.subtasks_failed)?,
            },
            feedback: past.feedback.0,
            errors: past.errors.0,
            error: past.error.map(|error| error.0),
        })
    }
}

/// What a row says about what its task waits for.
pub(crate) fn waiting(reason: Option<String>, detail: Option<String>) -> QueryResult<Option<Waiting>> {
    reason
        .map(|reason| {
            let reason = serde_json::from_value(serde_json::Value::String(reason))
                .map_err(|error| corrupt("waiting_reason", error))?;
            Ok(Waiting { reason, detail })
        })
        .transpose()
}

impl TryFrom<SubmissionColumns> for Submission {
    type Error = DieselError;

    fn try_from(row: SubmissionColumns) -> QueryResult<Self> {
        Ok(Self {
            id: TaskId(row.task_id),
            project_id: ProjectId::new(row.project_id).map_err(|error| corrupt("project_id", error))?,
            description: row.description,
            priority: Priority::from_rank(row.priority),
            execution_mode: word("execution_mode", &row.execution_mode)?,
            options: row.options.0,
            inputs: row.inputs.0,
            depends_on: row.depends_on.into_iter().map(TaskId).collect(),
            not_before: row.not_before,
            metadata: row.metadata.0,
            constitution: row.constitution.map(|constitution| constitution.0),
            parent_id: row.parent_id.map(TaskId),
            work_type: row.work_type,
            parameters: row.parameters.map(|parameters| parameters.0),
            trace_id: TraceId(row.trace_id),
            request_id: RequestId(row.first_request_id),
            created_at: row.created_at,
        })
    }
}

impl From<WorkColumns> for Work {
    fn from(row: WorkColumns) -> Self {
        Self {
            worker_id: row.worker_id,
            started_at: row.work_started_at,
            percent: row.progress_percent,
            message: row.progress_message,
            artifacts: row.artifacts.0,
            model_used: row.model_used,
            tokens_input: amount(row.tokens_input),
            tokens_output: amount(row.tokens_output),
            execution_time_ms: amount(row.execution_time_ms),
            output: row.output,
            exit_code: row.exit_code,
            analysis: row.analysis.map(|analysis| analysis.0),
        }
    }
}
