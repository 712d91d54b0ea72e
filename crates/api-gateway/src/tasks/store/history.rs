//! What happened to tasks, append-only: applied or ignored, and why.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::vocabulary::Phase;
use protocol::{EventId, TaskId, TraceId};
use uuid::Uuid;

use super::arrays::array_statement;
use super::text::storable;
use super::update::signed;
use crate::schema::task_history;

/// One line of a task's history, before it is written.
#[derive(Debug, Clone)]
pub(crate) struct HistoryRecord {
    /// The task.
    pub(crate) task_id: TaskId,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// What happened.
    pub(crate) event: &'static str,
    /// The event that told it, if one did.
    pub(crate) event_id: Option<EventId>,
    /// Where the task was.
    pub(crate) from_phase: Phase,
    /// Where it is now.
    pub(crate) to_phase: Phase,
    /// The task's attempt when it happened.
    pub(crate) attempt: u32,
    /// Why it changed nothing; `None` when it did change something.
    pub(crate) ignored: Option<String>,
    /// Anything else worth telling, such as why somebody cancelled.
    pub(crate) note: Option<String>,
    /// Who told.
    pub(crate) source: String,
    /// The trace it happened in.
    pub(crate) trace_id: Option<TraceId>,
}

array_statement! {
    /// Lines of histories.
    InsertHistory<'a> {
        task_id: SqlUuid => Uuid,
        at: Timestamptz => DateTime<Utc>,
        event: Text => &'static str,
        event_id: Nullable<SqlUuid> => Option<Uuid>,
        from_phase: Text => &'static str,
        to_phase: Text => &'static str,
        attempt: Integer => i32,
        applied: Bool => bool,
        reason: Nullable<Text> => Option<Cow<'a, str>>,
        source: Text => Cow<'a, str>,
        trace_id: Nullable<SqlUuid> => Option<Uuid>,
    }
    before "INSERT INTO task_history (task_id, at, event, event_id, from_phase, to_phase, attempt, applied, \
        reason, source, trace_id) SELECT * FROM ";
    after "";
}

/// Appends lines, in their order.
pub(crate) async fn insert_history(
    conn: &mut AsyncPgConnection,
    records: &[HistoryRecord],
) -> QueryResult<()> {
    let mut statement = InsertHistory::default();
    for record in records {
        statement.task_id.push(record.task_id.as_uuid());
        statement.at.push(record.at);
        statement.event.push(record.event);
        statement.event_id.push(record.event_id.map(EventId::as_uuid));
        statement.from_phase.push(record.from_phase.as_str());
        statement.to_phase.push(record.to_phase.as_str());
        statement.attempt.push(signed(record.attempt));
        statement.applied.push(record.ignored.is_none());
        statement.reason.push(record.ignored.as_deref().or(record.note.as_deref()).map(storable));
        statement.source.push(storable(&record.source));
        statement.trace_id.push(record.trace_id.map(TraceId::as_uuid));
    }
    statement.execute(conn).await.map(|_| ())
}

/// A line of a history as it is read back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = task_history, check_for_backend(diesel::pg::Pg))]
pub(crate) struct HistoryRow {
    pub(crate) sequence: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) event: String,
    pub(crate) from_phase: String,
    pub(crate) to_phase: String,
    pub(crate) attempt: i32,
    pub(crate) applied: bool,
    pub(crate) reason: Option<String>,
    pub(crate) source: String,
    pub(crate) trace_id: Option<Uuid>,
}

/// Up to `limit` lines of a task's history after position `after`, oldest first.
pub(crate) async fn list_history_rows(
    conn: &mut AsyncPgConnection,
    task_id: TaskId,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<HistoryRow>> {
    task_history::table
        .filter(task_history::task_id.eq(task_id.as_uuid()))
        .filter(task_history::sequence.gt(after))
        .order(task_history::sequence)
        .limit(limit)
        .select(HistoryRow::as_select())
        .load(conn)
        .await
}

/// Forgets up to `limit` lines of tasks that ended before `before`; how many. Tasks under way keep theirs.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM task_history WHERE sequence IN (SELECT old.sequence FROM task_history old \
         JOIN tasks task ON task.task_id = old.task_id \
         WHERE old.at < $1 AND task.phase = 'done' AND task.updated_at < $1 LIMIT $2)",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}
