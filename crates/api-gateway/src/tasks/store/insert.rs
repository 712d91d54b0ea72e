//! New tasks, any number of them in one statement.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use protocol::events::{Input, JsonObject, TaskOptions};
use uuid::Uuid;

use super::arrays::array_statement;
use super::json::Json;
use super::text::{storable, storable_option};
use super::update::{signed, waiting_columns};
use crate::tasks::task::Task;

array_statement! {
    /// Columns that a new task can have a value in; the others begin with their defaults.
    InsertTasks<'a> {
        task_id: SqlUuid => Uuid,
        project_id: Text => &'a str,
        description: Text => Cow<'a, str>,
        priority: SmallInt => i16,
        execution_mode: Text => &'static str,
        options: Jsonb => Json<&'a TaskOptions>,
        inputs: Jsonb => Json<&'a [Input]>,
        depends_on: Text => String,
        not_before: Nullable<Timestamptz> => Option<DateTime<Utc>>,
        metadata: Jsonb => Json<&'a JsonObject>,
        constitution: Nullable<Jsonb> => Option<Json<&'a JsonObject>>,
        parent_id: Nullable<SqlUuid> => Option<Uuid>,
        work_type: Nullable<Text> => Option<Cow<'a, str>>,
        parameters: Nullable<Jsonb> => Option<Json<&'a JsonObject>>,
        trace_id: SqlUuid => Uuid,
        first_request_id: SqlUuid => Uuid,
        created_at: Timestamptz => DateTime<Utc>,
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
        updated_at: Timestamptz => DateTime<Utc>,
    }
    // An array of arrays would be flattened: each task's dependencies travel as the text of an array.
    before "INSERT INTO tasks (task_id, project_id, description, priority, execution_mode, options, inputs, \
        depends_on, not_before, metadata, constitution, parent_id, work_type, parameters, trace_id, \
        first_request_id, created_at, status, phase, attempt, max_attempts, request_id, sequence, \
        waiting_reason, waiting_detail, wake_at, deadline_at, phase_since, admitted_at, updated_at) \
        SELECT a1, a2, a3, a4, a5, a6, a7, a8::uuid[], a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, \
        a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30 FROM ";
    after "AS new (a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, \
        a21, a22, a23, a24, a25, a26, a27, a28, a29, a30)";
}

impl<'a> InsertTasks<'a> {
    fn push(&mut self, task: &'a Task) {
        self.push_submission(task);
        let (reason, detail) = waiting_columns(task);
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
        self.updated_at.push(task.updated_at);
    }

    fn push_submission(&mut self, task: &'a Task) {
        let submission = &task.submission;
        self.task_id.push(submission.id.as_uuid());
        self.project_id.push(submission.project_id.as_str());
        self.description.push(storable(&submission.description));
        self.priority.push(submission.priority.rank());
        self.execution_mode.push(submission.execution_mode.as_str());
        self.options.push(Json(&submission.options));
        self.inputs.push(Json(&submission.inputs));
        self.depends_on.push(array_literal(&submission.depends_on));
        self.not_before.push(submission.not_before);
        self.metadata.push(Json(&submission.metadata));
        self.constitution.push(submission.constitution.as_ref().map(Json));
        self.parent_id.push(submission.parent_id.map(TaskId::as_uuid));
        self.work_type.push(storable_option(&submission.work_type));
        self.parameters.push(submission.parameters.as_ref().map(Json));
        self.trace_id.push(submission.trace_id.as_uuid());
        self.first_request_id.push(submission.request_id.as_uuid());
        self.created_at.push(submission.created_at);
    }
}

/// The text of a PostgreSQL array of UUIDs, which need no quoting.
fn array_literal(ids: &[TaskId]) -> String {
    let ids: Vec<String> = ids.iter().map(TaskId::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Stores new tasks.
pub(crate) async fn insert_tasks(mut conn: &AsyncPgConnection, tasks: &[Task]) -> QueryResult<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let mut statement = InsertTasks::default();
    for task in tasks {
        statement.push(task);
    }
    statement.execute(&mut conn).await.map(|_| ())
}
