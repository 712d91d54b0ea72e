//! `GET /projects/{project_id}/status`: how a project's tasks stand, and whether its records can be trusted.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use protocol::provenance_query::spend::ProjectSummary;
use protocol::provenance_query::{ProjectHealth, RecommendedAction};
use protocol::vocabulary::TaskStatus;
use protocol::{ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::no_such_project;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput};
use crate::http::path::PathId;
use crate::http::pauses::PauseView;
use crate::http::problem::ApiError;
use crate::http::provenance::SpendView;
use crate::http::query::{NoParameters, Query};
use crate::tasks::queries::{self, ProjectStatus};

/// Shows how a project stands
///
/// The numbers of tasks are the gateway's own. `health` and `spend` come from the provenance-store and are `null`
/// while that does not answer.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/status",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 200, description = "How the project stands", body = ProjectStatusResponse),
        NoSuchProjectOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_project_status(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _: Query<NoParameters>,
) -> Result<Json<ProjectStatusResponse>, ApiError> {
    let project_id = project_id.0;
    let status = queries::find_project_status(&state.tasks, &project_id).await?;
    let status = status.ok_or_else(|| no_such_project(&project_id))?;
    let summary = match state.provenance.summarize_project(project_id).await {
        Ok(summary) => Some(summary),
        Err(error) => {
            tracing::debug!(%error, "project status without the health of its records");
            None
        }
    };
    Ok(Json(ProjectStatusResponse::of(status, summary)))
}

/// How a project stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "project_id": "docs-site",
    "total": 2,
    "by_status": { "pending": 0, "running": 1, "completed": 1, "failed": 0, "cancelled": 0 },
    "by_tier": { "small": 2 },
    "active": 1,
    "max_concurrent": 4,
    "success_rate": 1.0,
    "average_execution_time_ms": 31200.0,
    "tokens_input": 1740,
    "tokens_output": 1886,
    "last_activity_at": "2024-07-27T09:59:37.050166Z",
    "paused": null,
    "health": { "tainted": 0, "suspect": 0, "pending_revalidation": 0, "recommended_action": "continue" },
    "spend": {
        "total": { "records": 1, "unpriced_records": 0, "tokens_input": 1740, "tokens_output": 1886,
            "cost_micro_units": 512 },
        "rejected": { "records": 0, "unpriced_records": 0, "tokens_input": 0, "tokens_output": 0,
            "cost_micro_units": null },
        "tainted": { "records": 0, "unpriced_records": 0, "tokens_input": 0, "tokens_output": 0,
            "cost_micro_units": null },
        "suspect": { "records": 0, "unpriced_records": 0, "tokens_input": 0, "tokens_output": 0,
            "cost_micro_units": null },
        "wasted": { "records": 0, "unpriced_records": 0, "tokens_input": 0, "tokens_output": 0,
            "cost_micro_units": null }
    }
}))]
pub(crate) struct ProjectStatusResponse {
    /// The project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Its tasks, however they stand.
    total: u64,
    /// How many stand where.
    by_status: TasksByStatus,
    /// How many went to which tier.
    by_tier: BTreeMap<String, u64>,
    /// How many take one of the project's slots.
    active: u64,
    /// How many may at the same time.
    max_concurrent: u32,
    /// Share of completed tasks among the completed and failed ones, 0 to 1; `null` before the first of them.
    success_rate: Option<f64>,
    /// Mean duration of completed tasks; `null` before the first of them.
    average_execution_time_ms: Option<f64>,
    /// Tokens read, all tasks together.
    tokens_input: u64,
    /// Tokens written, all tasks together.
    tokens_output: u64,
    /// When one of its tasks last changed.
    #[schema(value_type = Option<DateTime>)]
    last_activity_at: Option<Timestamp>,
    /// Why and since when nothing new of it is released; `null` while it is not paused.
    paused: Option<PauseView>,
    /// Whether its records can be trusted.
    health: Option<ProjectHealthView>,
    /// What its work cost.
    spend: Option<SpendView>,
}

/// Tasks by status; every status is there.
#[derive(Debug, Serialize, ToSchema)]
struct TasksByStatus {
    pending: u64,
    running: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
}

/// Whether a project's records can be trusted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectHealthView {
    /// Records found wrong.
    tainted: u64,
    /// Records built on something found wrong.
    suspect: u64,
    /// Suspects that wait for a new verdict.
    pending_revalidation: u64,
    /// What a careful operator would do now.
    #[schema(value_type = RecommendedActionWord)]
    recommended_action: RecommendedAction,
}

/// What a careful operator would do.
#[derive(ToSchema)]
#[schema(as = RecommendedAction, rename_all = "snake_case")]
#[expect(dead_code, reason = "names a schema and has no values")]
enum RecommendedActionWord {
    /// Go on.
    Continue,
    /// Release nothing new until the marks are looked at.
    Pause,
    /// Return to a checkpoint.
    Rollback,
}

impl ProjectStatusResponse {
    fn of(status: ProjectStatus, summary: Option<ProjectSummary>) -> Self {
        let count = |wanted: TaskStatus| status.by_status.get(&wanted).copied().unwrap_or(0);
        let (health, spend) = summary.map(|summary| (summary.health, summary.spend)).unzip();
        Self {
            total: status.by_status.values().sum(),
            by_status: TasksByStatus {
                pending: count(TaskStatus::Pending),
                running: count(TaskStatus::Running),
                completed: count(TaskStatus::Completed),
                failed: count(TaskStatus::Failed),
                cancelled: count(TaskStatus::Cancelled),
            },
            project_id: status.project_id,
            by_tier: status.by_tier,
            active: status.active,
            max_concurrent: status.max_concurrent,
            success_rate: status.success_rate,
            average_execution_time_ms: status.average_execution_time_ms,
            tokens_input: status.tokens_input,
            tokens_output: status.tokens_output,
            last_activity_at: status.last_activity_at,
            paused: status.paused.map(Into::into),
            health: health.map(Into::into),
            spend: spend.map(Into::into),
        }
    }
}

impl From<ProjectHealth> for ProjectHealthView {
    fn from(health: ProjectHealth) -> Self {
        Self {
            tainted: health.tainted,
            suspect: health.suspect,
            pending_revalidation: health.pending_revalidation,
            recommended_action: health.recommended_action,
        }
    }
}
