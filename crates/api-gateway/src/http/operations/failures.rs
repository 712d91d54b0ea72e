//! `GET /failures`: the tasks that failed last.

use actix_web::web::{Data, Json};
use protocol::vocabulary::Tier;
use protocol::{TaskId, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::tasks::queries::{self, FailedTask};

/// Failures that are shown when the client does not say.
const DEFAULT_LAST: u32 = 10;
/// Most failures that are shown.
const MOST_LAST: u32 = 100;

/// Lists the tasks that failed last
///
/// The newest first. `total` counts all tasks that have failed and were not tried again.
#[utoipa::path(
    get,
    path = "/api/v1/failures",
    tag = "operations",
    params(ListFailuresQuery),
    responses(
        (status = 200, description = "The last failures", body = ListFailuresResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_failures(
    state: Data<AppState>,
    query: Query<ListFailuresQuery>,
) -> Result<Json<ListFailuresResponse>, ApiError> {
    let found = queries::list_failures(&state.tasks, query.0.last.unwrap_or(DEFAULT_LAST)).await?;
    let failures = found.failures.into_iter().map(Into::into).collect();
    Ok(Json(ListFailuresResponse { failures, total: found.total }))
}

/// How many.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListFailuresQuery {
    /// Most failures in the answer; 10 when absent.
    #[param(minimum = 1, maximum = 100)]
    last: Option<u32>,
}

impl ReadQuery for ListFailuresQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self { last: parameters.integer("last", 1..=MOST_LAST) })
    }
}

/// The last failures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListFailuresResponse {
    /// The newest first.
    failures: Vec<FailureView>,
    /// Failed tasks, all together.
    total: u64,
}

/// A task that failed.
#[derive(Debug, Serialize, ToSchema)]
struct FailureView {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// The tier it went to last; `null` if it was never routed.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// Why, as text.
    #[schema(example = "TIMEOUT: the attempt did not end before its deadline")]
    error: String,
    /// When.
    #[schema(value_type = DateTime)]
    failed_at: Timestamp,
}

impl From<FailedTask> for FailureView {
    fn from(failed: FailedTask) -> Self {
        let error = format!("{}: {}", failed.error.code, failed.error.message);
        Self { task_id: failed.task_id, tier: failed.tier, error, failed_at: failed.failed_at }
    }
}
