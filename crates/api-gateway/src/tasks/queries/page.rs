//! Pages of tasks, newest first.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use protocol::vocabulary::{Domain, Phase, Priority, TaskStatus, Tier, WorkMode};
use protocol::{ProjectId, TaskId, Timestamp};
use service_runtime::database::StoreError;
use uuid::Uuid;

use super::filter::TaskFilter;
use super::keys::{Count, IsOneOf, KeyRange, Keys};
use super::waiting::tell_pauses;
use crate::schema::tasks;
use crate::tasks::TaskService;
use crate::tasks::store::row::{corrupt, waiting, word};
use crate::tasks::task::Waiting;

/// Tasks are counted exactly up to here.
const EXACT_TOTAL: i64 = 10_000;
/// Characters of a description that a list shows.
pub(super) const DESCRIPTION_CHARS: i32 = 200;

/// As [`Task::known_tier`](crate::tasks::task::Task::known_tier) says.
const KNOWN_TIER: &str = "coalesce(tasks.options->>'tier', tasks.minimum_tier, tasks.tier)";

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Most tasks on it.
    pub limit: u32,
    /// Where it starts.
    pub start: PageStart,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After so many tasks.
    Offset(u32),
    /// After this place, wherever that is by now.
    After(PageKey),
}

/// A place in the order of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageKey {
    /// When the task there was submitted.
    pub created_at: Timestamp,
    /// The task there.
    pub task_id: TaskId,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPage {
    /// The tasks on it.
    pub tasks: Vec<TaskSummary>,
    /// How many there are on all pages.
    pub total: u64,
    /// Whether there are more than `total`.
    pub total_is_estimate: bool,
    /// Where the next page starts, if there is one.
    pub next: Option<PageKey>,
}

/// A task as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSummary {
    /// The task.
    pub task_id: TaskId,
    /// Its project.
    pub project_id: ProjectId,
    /// The beginning of its description.
    pub description: String,
    /// Its status.
    pub status: TaskStatus,
    /// Its phase.
    pub phase: Phase,
    /// What it does to its project, as analysed.
    pub work_mode: Option<WorkMode>,
    /// Its tier, once routed.
    pub tier: Option<Tier>,
    /// The tier that it will go to, as far as that is known before it is routed.
    pub known_tier: Option<Tier>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Its domain, once routed.
    pub domain: Option<Domain>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

diesel::define_sql_function! {
    /// The first characters of a text.
    fn left(text: Text, characters: diesel::sql_types::Integer) -> Text;
}

#[derive(Queryable)]
struct SummaryRow {
    task_id: Uuid,
    project_id: String,
    description: String,
    status: String,
    phase: String,
    work_mode: Option<String>,
    tier: Option<String>,
    known_tier: Option<String>,
    waiting_reason: Option<String>,
    waiting_detail: Option<String>,
    domain: Option<String>,
    priority: i16,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<SummaryRow> for TaskSummary {
    type Error = diesel::result::Error;

    fn try_from(row: SummaryRow) -> QueryResult<Self> {
        Ok(Self {
            task_id: TaskId(row.task_id),
            project_id: ProjectId::new(row.project_id).map_err(|error| corrupt("project_id", error))?,
            description: row.description,
            status: word("status", &row.status)?,
            phase: word("phase", &row.phase)?,
            work_mode: row.work_mode.map(Into::into),
            tier: row.tier.map(Into::into),
            known_tier: row.known_tier.map(Into::into),
            waiting: waiting(row.waiting_reason, row.waiting_detail)?,
            domain: row.domain.map(Into::into),
            priority: Priority::from_rank(row.priority),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

/// A page of the tasks that the filter takes, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list_tasks(
    service: &TaskService,
    filter: &TaskFilter,
    page: &PageRequest,
) -> Result<TaskPage, StoreError> {
    let shown = KeyRange { start: page.start, limit: i64::from(page.limit) + 1 };
    let counted = KeyRange { start: PageStart::Offset(0), limit: EXACT_TOTAL + 1 };
    let mut conn = service.connection().await?;
    let (rows, counted) =
        try_join!(load_summaries(&conn, filter.keys(shown)), count(&conn, filter.keys(counted)))?;
    let mut summaries: Vec<TaskSummary> =
        rows.into_iter().map(TaskSummary::try_from).collect::<QueryResult<_>>()?;
    let has_more = summaries.len() > page.limit as usize;
    summaries.truncate(page.limit as usize);
    tell_pauses(&mut conn, &mut summaries).await?;
    drop(conn);
    let key = |last: &TaskSummary| PageKey { created_at: last.created_at, task_id: last.task_id };
    Ok(TaskPage {
        next: summaries.last().filter(|_| has_more).map(key),
        tasks: summaries,
        total: counted.min(EXACT_TOTAL).unsigned_abs(),
        total_is_estimate: counted > EXACT_TOTAL,
    })
}

async fn load_summaries(mut conn: &AsyncPgConnection, keys: Keys<'_>) -> QueryResult<Vec<SummaryRow>> {
    tasks::table
        .filter(IsOneOf(keys))
        .order((tasks::created_at.desc(), tasks::task_id.desc()))
        .select((
            tasks::task_id,
            tasks::project_id,
            left(tasks::description, DESCRIPTION_CHARS),
            tasks::status,
            tasks::phase,
            tasks::work_mode,
            tasks::tier,
            sql::<Nullable<Text>>(KNOWN_TIER),
            tasks::waiting_reason,
            tasks::waiting_detail,
            tasks::domain,
            tasks::priority,
            tasks::created_at,
            tasks::updated_at,
        ))
        .load(&mut conn)
        .await
}

async fn count(mut conn: &AsyncPgConnection, keys: Keys<'_>) -> QueryResult<i64> {
    Count(keys).get_result(&mut conn).await
}
