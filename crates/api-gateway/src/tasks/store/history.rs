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
use super::row::corrupt;
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
    mut conn: &AsyncPgConnection,
    records: &[HistoryRecord],
) -> QueryResult<()> {
    if records.is_empty() {
        return Ok(());
    }
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
    statement.execute(&mut conn).await.map(|_| ())
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

/// Where a task was when an event changed it; `None` if it did not, or not as this task's history knows.
pub(crate) async fn find_applied_in(
    conn: &mut AsyncPgConnection,
    task_id: TaskId,
    event_id: Option<EventId>,
) -> QueryResult<Option<Phase>> {
    let Some(event_id) = event_id else { return Ok(None) };
    let phase: Option<String> = task_history::table
        .filter(task_history::task_id.eq(task_id.as_uuid()))
        .filter(task_history::event_id.eq(event_id.as_uuid()))
        .filter(task_history::applied)
        .order(task_history::sequence)
        .select(task_history::from_phase)
        .first(conn)
        .await
        .optional()?;
    phase.map(|word| word.parse().map_err(|error| corrupt("from_phase", error))).transpose()
}

/// How far a walk over the histories has come.
#[derive(Debug, QueryableByName)]
pub(crate) struct Walked {
    /// How many old lines it passed, those included that stay.
    #[diesel(sql_type = BigInt)]
    pub(crate) passed: i64,
    /// The last of them.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) last: Option<i64>,
}

/// Forgets lines of tasks that ended before `before` on a walk over up to `limit` lines that are older than that, after
/// position `after`. Tasks under way keep theirs. The key has the order of time: the walk looks at no line that is young,
/// but for those of the last step, and needs no index that every event would have to pay for.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    after: i64,
    limit: i64,
) -> QueryResult<Walked> {
    diesel::sql_query(
        "WITH old AS MATERIALIZED ( \
            SELECT sequence, task_id FROM ( \
                SELECT sequence, task_id, at FROM task_history WHERE sequence > $2 ORDER BY sequence LIMIT $3 \
            ) AS next WHERE at < $1), \
         gone AS ( \
            DELETE FROM task_history line USING old JOIN tasks task ON task.task_id = old.task_id \
            WHERE line.sequence = old.sequence AND task.phase = 'done' AND task.updated_at < $1) \
         SELECT count(*) AS passed, max(sequence) AS last FROM old",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(limit)
    .get_result(conn)
    .await
}
