//! What failed last.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;
use protocol::vocabulary::Tier;
use protocol::{TaskId, Timestamp};
use service_runtime::database::StoreError;
use uuid::Uuid;

use crate::schema::{projects, tasks};
use crate::tasks::TaskService;
use crate::tasks::store::json::Json;
use crate::tasks::task::AttemptError;

/// A task that failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedTask {
    /// The task.
    pub task_id: TaskId,
    /// The tier it went to last, if it was routed at all.
    pub tier: Option<Tier>,
    /// Why it failed.
    pub error: AttemptError,
    /// When.
    pub failed_at: Timestamp,
}

/// The newest failures.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedTasks {
    /// The newest first.
    pub failures: Vec<FailedTask>,
    /// Tasks that have failed, all together.
    pub total: u64,
}

/// The last tasks that failed.
///
/// # Errors
/// When the store does not answer.
pub async fn list_failures(service: &TaskService, last: u32) -> Result<FailedTasks, StoreError> {
    type Row = (Uuid, Option<String>, Option<Json<AttemptError>>, Option<DateTime<Utc>>);
    let mut conn = service.connection().await?;
    let rows: Vec<Row> = tasks::table
        // As a literal, so that the partial index made for this query is recognised in a prepared statement.
        .filter(sql::<Bool>("status = 'failed'"))
        .order((tasks::completed_at.desc(), tasks::task_id.desc()))
        .limit(i64::from(last))
        .select((tasks::task_id, tasks::tier, tasks::error, tasks::completed_at))
        .load(&mut conn)
        .await?;
    let total: i64 =
        projects::table.select(sql::<BigInt>("coalesce(sum(failed), 0)::bigint")).first(&mut conn).await?;
    let failed = |(task_id, tier, error, failed_at): Row| {
        Some(FailedTask {
            task_id: TaskId(task_id),
            tier: tier.map(Into::into),
            error: error?.0,
            failed_at: failed_at?.into(),
        })
    };
    Ok(FailedTasks { failures: rows.into_iter().filter_map(failed).collect(), total: total.unsigned_abs() })
}
