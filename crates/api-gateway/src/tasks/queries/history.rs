//! Pages of a task's history, oldest first.

use diesel::QueryResult;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use protocol::vocabulary::Phase;
use protocol::{TaskId, Timestamp, TraceId};
use service_runtime::database::StoreError;

use crate::schema::tasks;
use crate::tasks::TaskService;
use crate::tasks::store::history::{HistoryRow, list_history_rows};
use crate::tasks::store::row::{count, word};

/// One line: something that happened, applied or ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its place; rises within the history, with gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: String,
    /// Where the task was.
    pub from_phase: Phase,
    /// Where it was afterwards.
    pub to_phase: Phase,
    /// The task's attempt when it happened.
    pub attempt: u32,
    /// Whether it changed the task.
    pub applied: bool,
    /// Why it did not, or what was said with it.
    pub reason: Option<String>,
    /// Who told.
    pub source: String,
    /// The trace it happened in.
    pub trace_id: Option<TraceId>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The lines on it.
    pub entries: Vec<HistoryEntry>,
    /// The place to continue after, if there is more.
    pub next: Option<u64>,
}

/// Up to `limit` lines of a task's history after the place `after`; `None` if there is no such task.
///
/// # Errors
/// When the store does not answer.
pub async fn list_history(
    service: &TaskService,
    task_id: TaskId,
    after: Option<u64>,
    limit: u32,
) -> Result<Option<HistoryPage>, StoreError> {
    let after = after.map_or(0, |place| i64::try_from(place).unwrap_or(i64::MAX));
    let mut conn = service.connection().await?;
    let rows = list_history_rows(&mut conn, task_id, after, i64::from(limit) + 1).await?;
    if rows.is_empty() && !exists(&mut conn, task_id).await? {
        return Ok(None);
    }
    drop(conn);
    let mut entries: Vec<HistoryEntry> = rows.into_iter().map(entry).collect::<QueryResult<_>>()?;
    let has_more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| has_more).map(|last| last.sequence);
    Ok(Some(HistoryPage { entries, next }))
}

async fn exists(conn: &mut diesel_async::AsyncPgConnection, id: TaskId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(tasks::table.find(id.as_uuid()))).get_result(conn).await
}

fn entry(row: HistoryRow) -> QueryResult<HistoryEntry> {
    Ok(HistoryEntry {
        sequence: row.sequence.unsigned_abs(),
        at: row.at.into(),
        event: row.event,
        from_phase: word("from_phase", &row.from_phase)?,
        to_phase: word("to_phase", &row.to_phase)?,
        attempt: count("attempt", row.attempt)?,
        applied: row.applied,
        reason: row.reason,
        source: row.source,
        trace_id: row.trace_id.map(TraceId),
    })
}
