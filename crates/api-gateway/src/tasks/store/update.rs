//! Changed tasks, any number of them in one guarded statement: a row is only written if it is still as it was
//! read, which its sequence tells.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::{Artifact, Feedback, Routing};
use serde_json::Value;
use uuid::Uuid;

use super::arrays::array_statement;
use super::json::Json;
use super::text::{storable, storable_option};
use crate::tasks::task::{AttemptError, PendingReview, Task, WaitingReason};

array_statement! {
    /// Everything about a task that its life changes.
    UpdateTasks<'a> {
        task_id: SqlUuid => Uuid,
        expected: BigInt => i64,
        status: Text => &'static str,
        phase: Text => &'static str,
        attempt: Integer => i32,
        max_attempts: Integer => i32,
        request_id: SqlUuid => Uuid,
        sequence: BigInt => i64,
        waiting_reason: Nullable<Text> => Option<&'static str>,
        waiting_detail: Nullable<Text> => Option<Cow<'a, str>>,
        wake_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        deadline_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        phase_since: Timestamptz => DateTime<Utc>,
        admitted_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        started_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        completed_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        updated_at: Timestamptz => DateTime<Utc>,
        work_mode: Nullable<Text> => Option<Cow<'a, str>>,
        domain: Nullable<Text> => Option<Cow<'a, str>>,
        tier: Nullable<Text> => Option<Cow<'a, str>>,
        qa_profile: Nullable<Text> => Option<Cow<'a, str>>,
        routing: Nullable<Jsonb> => Option<Json<&'a Routing>>,
        minimum_tier: Nullable<Text> => Option<Cow<'a, str>>,
        rejections_at_tier: Integer => i32,
        worker_id: Nullable<Text> => Option<Cow<'a, str>>,
        work_started_at: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        progress_percent: Nullable<Double> => Option<f64>,
        progress_message: Nullable<Text> => Option<Cow<'a, str>>,
        artifacts: Jsonb => Json<&'a [Artifact]>,
        model_used: Nullable<Text> => Option<Cow<'a, str>>,
        tokens_input: Nullable<BigInt> => Option<i64>,
        tokens_output: Nullable<BigInt> => Option<i64>,
        execution_time_ms: Nullable<BigInt> => Option<i64>,
        output: Nullable<Text> => Option<Cow<'a, str>>,
        exit_code: Nullable<BigInt> => Option<i64>,
        review: Nullable<Jsonb> => Option<Json<&'a PendingReview>>,
        subtasks_total: Integer => i32,
        subtasks_completed: Integer => i32,
        subtasks_failed: Integer => i32,
        feedback: Jsonb => Json<&'a [Feedback]>,
        errors: Jsonb => Json<&'a [AttemptError]>,
        error: Nullable<Jsonb> => Option<Json<&'a AttemptError>>,
        analysis: Nullable<Jsonb> => Option<Json<&'a Value>>,
    }
    before "WITH written AS (UPDATE tasks SET status = a1, phase = a2, attempt = a3, max_attempts = a4, request_id = a5, \
        sequence = a6, waiting_reason = a7, waiting_detail = a8, wake_at = a9, deadline_at = a10, \
        phase_since = a11, admitted_at = a12, started_at = a13, completed_at = a14, updated_at = a15, \
        work_mode = a16, domain = a17, tier = a18, qa_profile = a19, routing = a20, minimum_tier = a21, \
        rejections_at_tier = a22, worker_id = a23, work_started_at = a24, progress_percent = a25, \
        progress_message = a26, artifacts = a27, model_used = a28, tokens_input = a29, tokens_output = a30, \
        execution_time_ms = a31, output = a32, exit_code = a33, review = a34, subtasks_total = a35, \
        subtasks_completed = a36, subtasks_failed = a37, feedback = a38, errors = a39, error = a40, \
        analysis = a41 FROM ";
    after "AS changed (id, expected, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, \
        a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, a36, \
        a37, a38, a39, a40, a41) WHERE tasks.task_id = changed.id AND tasks.sequence = changed.expected RETURNING 1) \
        SELECT give_up('raise_exception', 'a task changed although its row is locked') \
        FROM (SELECT count(*) AS rows FROM written) AS done WHERE done.rows <> cardinality($1)";
}

impl<'a> UpdateTasks<'a> {
    fn push(&mut self, expected: u64, task: &'a Task) {
        let (reason, detail) = waiting_columns(task);
        self.task_id.push(task.submission.id.as_uuid());
        self.expected.push(expected.cast_signed());
        self.status.push(task.status.as_str());
        self.phase.push(task.phase.as_str());
        self.attempt.push(signed(task.attempt));
        self.max_attempts.push(signed(task.max_attempts));
        self.request_id.push(task.request_id.as_uuid());
        self.sequence.push(task.sequence.cast_signed());
        self.waiting_reason.push(reason);
        self.waiting_detail.push(detail);
        self.wake_at.push(task.wake_at);
        self.deadline_at.push(task.deadline_at);
        self.phase_since.push(task.phase_since);
        self.admitted_at.push(task.admitted_at);
        self.started_at.push(task.started_at);
        self.completed_at.push(task.completed_at);
        self.updated_at.push(task.updated_at);
        self.push_route(task);
        self.push_work(task);
        self.push_past(task);
    }

    fn push_route(&mut self, task: &'a Task) {
        self.work_mode.push(task.work_mode.as_ref().map(|mode| storable(mode.as_str())));
        self.domain.push(task.domain.as_ref().map(|domain| storable(domain.as_str())));
        self.tier.push(task.tier.as_ref().map(|tier| storable(tier.as_str())));
        self.qa_profile.push(task.qa_profile.as_ref().map(|profile| storable(profile.as_str())));
        self.routing.push(task.routing.as_ref().map(Json));
        self.minimum_tier.push(task.minimum_tier.as_ref().map(|tier| storable(tier.as_str())));
        self.rejections_at_tier.push(signed(task.rejections_at_tier));
    }

    fn push_work(&mut self, task: &'a Task) {
        let work = &task.work;
        self.worker_id.push(storable_option(&work.worker_id));
        self.work_started_at.push(work.started_at);
        self.progress_percent.push(work.percent);
        self.progress_message.push(storable_option(&work.message));
        self.artifacts.push(Json(&work.artifacts));
        self.model_used.push(storable_option(&work.model_used));
        self.tokens_input.push(work.tokens_input.map(bounded));
        self.tokens_output.push(work.tokens_output.map(bounded));
        self.execution_time_ms.push(work.execution_time_ms.map(bounded));
        self.output.push(storable_option(&work.output));
        self.exit_code.push(work.exit_code);
        self.analysis.push(work.analysis.as_ref().map(Json));
    }

    fn push_past(&mut self, task: &'a Task) {
        self.review.push(task.review.as_ref().map(Json));
        self.subtasks_total.push(signed(task.subtasks.total));
        self.subtasks_completed.push(signed(task.subtasks.completed));
        self.subtasks_failed.push(signed(task.subtasks.failed));
        self.feedback.push(Json(&task.feedback));
        self.errors.push(Json(&task.errors));
        self.error.push(task.error.as_ref().map(Json));
    }
}

/// The two columns that say what a task waits for.
pub(super) fn waiting_columns(task: &Task) -> (Option<&'static str>, Option<Cow<'_, str>>) {
    let Some(waiting) = &task.waiting else { return (None, None) };
    let reason = match waiting.reason {
        WaitingReason::Slot => "slot",
        WaitingReason::Dependency => "dependency",
        WaitingReason::Review => "review",
        WaitingReason::TaintedInput => "tainted_input",
        WaitingReason::Pause => "pause",
        WaitingReason::Backoff => "backoff",
    };
    (Some(reason), storable_option(&waiting.detail))
}

/// A count in the database's type. Counts stay far below its end; a wrong peer's does not make us fail.
pub(crate) fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The same for sizes and durations that workers tell.
pub(crate) fn bounded(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Writes tasks that were read with the paired sequence.
///
/// # Errors
/// As the database tells; a row that is no longer as it was read is an error as well.
pub(crate) async fn update_tasks(
    mut conn: &AsyncPgConnection,
    changed: impl Iterator<Item = (u64, &Task)>,
) -> QueryResult<()> {
    let mut statement = UpdateTasks::default();
    for (expected, task) in changed {
        statement.push(expected, task);
    }
    if statement.task_id.is_empty() { Ok(()) } else { statement.execute(&mut conn).await.map(|_| ()) }
}
