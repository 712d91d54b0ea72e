//! What the tasks table says of the tasks of traces: only what those who watch are told, never descriptions or
//! outputs, which may be long.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::{TaskId, TraceId};
use uuid::Uuid;

use super::update::TaskUpdate;
use super::watch::Watch;
use crate::tasks::progress::Progress;
use crate::tasks::store::json::Json;
use crate::tasks::store::row::{corrupt, count, word};
use crate::tasks::task::{AttemptError, PendingReview, Subtasks};

/// Most tasks of one trace that are read; the newest.
pub(super) const MOST_TASKS: i64 = 5_000;

/// The tasks of a trace.
#[derive(Debug, Clone, Default)]
pub(super) struct TraceTasks {
    /// In the order in which they were created.
    pub(super) tasks: Vec<Arc<TaskUpdate>>,
    /// There are more, older ones.
    pub(super) truncated: bool,
}

impl TraceTasks {
    /// What of it is for a subscriber.
    pub(super) fn only(&self, watch: &Watch) -> Self {
        if watch.covers_all() {
            return self.clone();
        }
        let tasks = self.tasks.iter().filter(|update| watch.covers(update)).cloned().collect();
        Self { tasks, truncated: self.truncated }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = crate::schema::tasks, check_for_backend(diesel::pg::Pg))]
struct Row {
    task_id: Uuid,
    trace_id: Uuid,
    project_id: String,
    sequence: i64,
    status: String,
    phase: String,
    progress_percent: Option<f64>,
    progress_message: Option<String>,
    subtasks_total: i32,
    subtasks_completed: i32,
    subtasks_failed: i32,
    review: Option<Json<PendingReview>>,
    error: Option<Json<AttemptError>>,
    updated_at: DateTime<Utc>,
}

/// The tasks of each of the traces that has any. One index scan per trace, in one statement.
pub(super) async fn list_tasks_of_traces(
    conn: &mut AsyncPgConnection,
    traces: &[TraceId],
) -> QueryResult<HashMap<TraceId, TraceTasks>> {
    let rows: Vec<Row> = sql_query(
        "SELECT task.* FROM unnest($1) AS watched (trace_id) CROSS JOIN LATERAL (\
         SELECT task_id, trace_id, project_id, sequence, status, phase, progress_percent, progress_message, \
         subtasks_total, subtasks_completed, subtasks_failed, review, error, updated_at \
         FROM tasks WHERE tasks.trace_id = watched.trace_id \
         ORDER BY created_at DESC, task_id DESC LIMIT $2) AS task",
    )
    .bind::<Array<SqlUuid>, _>(traces.iter().map(|trace| trace.as_uuid()).collect::<Vec<_>>())
    .bind::<BigInt, _>(MOST_TASKS + 1)
    .load(conn)
    .await?;
    let mut found: HashMap<TraceId, TraceTasks> = HashMap::new();
    for row in rows {
        let of_trace = found.entry(TraceId(row.trace_id)).or_default();
        // Newest first, so the one too many is the oldest.
        if of_trace.tasks.len() >= usize::try_from(MOST_TASKS).unwrap_or(usize::MAX) {
            of_trace.truncated = true;
        } else {
            of_trace.tasks.push(Arc::new(row.try_into()?));
        }
    }
    for of_trace in found.values_mut() {
        of_trace.tasks.reverse();
    }
    Ok(found)
}

impl TryFrom<Row> for TaskUpdate {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let status = word("status", &row.status)?;
        let subtasks = Subtasks {
            total: count("subtasks_total", row.subtasks_total)?,
            completed: count("subtasks_completed", row.subtasks_completed)?,
            failed: count("subtasks_failed", row.subtasks_failed)?,
        };
        let (percent, message) = (row.progress_percent, row.progress_message);
        Ok(Self {
            task_id: TaskId(row.task_id),
            trace_id: TraceId(row.trace_id),
            project_id: row.project_id.parse().map_err(|error| corrupt("project_id", error))?,
            sequence: u64::try_from(row.sequence).map_err(|_| corrupt("sequence", row.sequence))?,
            follows: None,
            status,
            phase: word("phase", &row.phase)?,
            progress: Progress::from_parts(status, percent, message, subtasks, row.review.is_some()),
            error: row.error.map(|error| error.0),
            review_id: row.review.map(|review| review.0.review_id),
            at: row.updated_at.into(),
        })
    }
}
