//! `GET /workers`: who takes tasks from the tiers' queues.

use actix_web::web::{Data, Json};
use protocol::vocabulary::Tier;
use protocol::{TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::openapi::vocabulary::WorkerStatusWord;
use crate::http::page::Part;
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::workers::{self, Worker, WorkerStatus};

/// Lists workers
///
/// As their events tell, up to a thousand: those that work first, then the last heard. A worker that has nothing to do
/// is silent, and counts as offline after fifteen minutes (a setting).
#[utoipa::path(
    get,
    path = "/api/v1/workers",
    tag = "operations",
    params(Part),
    responses((status = 200, description = "The workers", body = ListWorkersResponse), BadQuery, CannotServe)
)]
pub(crate) async fn list_workers(
    state: Data<AppState>,
    part: Query<Part>,
) -> Result<Json<ListWorkersResponse>, ApiError> {
    let workers = workers::list_workers(&state.tasks, state.worker_silence_seconds).await?;
    let total_active = workers.iter().filter(|worker| worker.status == WorkerStatus::Active).count();
    let workers = part.0.of(workers).into_iter().map(Into::into).collect();
    Ok(Json(ListWorkersResponse { workers, total_active }))
}

/// The workers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListWorkersResponse {
    /// Those that work first, then the last heard.
    workers: Vec<WorkerView>,
    /// How many work, whether they are in this part of the list or not.
    total_active: usize,
}

/// A worker.
#[derive(Debug, Serialize, ToSchema)]
struct WorkerView {
    /// As it names itself.
    worker_id: String,
    /// How it is.
    #[schema(value_type = WorkerStatusWord)]
    status: &'static str,
    /// The tier of what it did last.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// The task that it works on.
    #[schema(value_type = Option<Uuid>)]
    current_task: Option<TaskId>,
    /// Tasks that were completed with its output.
    tasks_completed: u64,
    /// When it was heard last.
    #[schema(value_type = DateTime)]
    last_seen_at: Timestamp,
}

impl From<Worker> for WorkerView {
    fn from(worker: Worker) -> Self {
        Self {
            worker_id: worker.worker_id,
            status: worker.status.as_str(),
            tier: worker.tier,
            current_task: worker.current_task,
            tasks_completed: worker.tasks_completed,
            last_seen_at: worker.last_seen_at,
        }
    }
}
