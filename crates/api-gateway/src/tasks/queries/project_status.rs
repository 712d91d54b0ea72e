//! How a project is doing, from its counters.

use std::collections::BTreeMap;

use protocol::vocabulary::TaskStatus;
use protocol::{ProjectId, Timestamp};
use service_runtime::database::StoreError;

use crate::pauses::Pause;
use crate::pauses::store::find_project_pause;
use crate::projects::store::{CountersRow, find_counters, list_tier_counters};
use crate::tasks::TaskService;

/// A project's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectStatus {
    /// The project.
    pub project_id: ProjectId,
    /// Its tasks by status; every status is there.
    pub by_status: BTreeMap<TaskStatus, u64>,
    /// Its routed tasks by tier.
    pub by_tier: BTreeMap<String, u64>,
    /// Tasks that hold a slot.
    pub active: u64,
    /// Tasks that may hold one at once.
    pub max_concurrent: u32,
    /// Completed tasks among those that completed or failed; `None` before the first.
    pub success_rate: Option<f64>,
    /// Mean time of completed tasks from admission to completion, in milliseconds; `None` before the first.
    pub average_execution_time_ms: Option<f64>,
    /// Tokens read by all attempts.
    pub tokens_input: u64,
    /// Tokens written by all attempts.
    pub tokens_output: u64,
    /// When something last happened to one of its tasks.
    pub last_activity_at: Option<Timestamp>,
    /// Why and since when nothing new is released; `None` while it is not paused.
    pub paused: Option<Pause>,
}

/// The project's numbers; `None` if there is no such project.
///
/// # Errors
/// When the store does not answer.
pub async fn find_project_status(
    service: &TaskService,
    project_id: &ProjectId,
) -> Result<Option<ProjectStatus>, StoreError> {
    let mut conn = service.connection().await?;
    let Some(counters) = find_counters(&mut conn, project_id).await? else { return Ok(None) };
    let tiers = list_tier_counters(&mut conn, project_id).await?;
    let paused = find_project_pause(&mut conn, project_id).await?;
    drop(conn);
    let status = status(project_id.clone(), &counters, tiers, service.default_limit());
    Ok(Some(ProjectStatus { paused, ..status }))
}

fn status(
    project_id: ProjectId,
    counters: &CountersRow,
    tiers: Vec<(String, i64)>,
    default_limit: u32,
) -> ProjectStatus {
    let by_status = [
        (TaskStatus::Pending, counters.pending),
        (TaskStatus::Running, counters.running),
        (TaskStatus::Completed, counters.completed),
        (TaskStatus::Failed, counters.failed),
        (TaskStatus::Cancelled, counters.cancelled),
    ];
    let (completed, judged) = (counters.completed as f64, (counters.completed + counters.failed) as f64);
    ProjectStatus {
        project_id,
        by_status: by_status.into_iter().map(|(status, count)| (status, count.unsigned_abs())).collect(),
        by_tier: tiers.into_iter().map(|(tier, count)| (tier, count.unsigned_abs())).collect(),
        active: counters.active.unsigned_abs(),
        max_concurrent: counters.max_concurrent.map_or(default_limit, i32::unsigned_abs),
        success_rate: (judged > 0.0).then(|| completed / judged),
        average_execution_time_ms: (completed > 0.0).then(|| counters.execution_time_ms as f64 / completed),
        tokens_input: counters.tokens_input.unsigned_abs(),
        tokens_output: counters.tokens_output.unsigned_abs(),
        last_activity_at: counters.last_activity_at.map(Into::into),
        paused: None,
    }
}
