//! `GET /queues`: how much waits in the broker's queues, and who takes it.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::Part;
use crate::http::problem::ApiError;
use crate::http::query::Query;

/// Lists the broker's queues
///
/// Those of the services, the workers', QA's and the agents', and those of dead letters. Queues that do not exist
/// are left out.
#[utoipa::path(
    get,
    path = "/api/v1/queues",
    tag = "operations",
    params(Part),
    responses((status = 200, description = "The queues", body = ListQueuesResponse), BadQuery, CannotServe)
)]
pub(crate) async fn list_queues(
    state: Data<AppState>,
    part: Query<Part>,
) -> Result<Json<ListQueuesResponse>, ApiError> {
    let reports = state.queues.look().await;
    let reports =
        reports.map_err(|error| ApiError::unavailable("the broker does not answer").caused_by(error))?;
    let queues = part.0.of(reports).into_iter().map(|report| QueueView {
        name: report.name,
        depth: report.state.messages,
        consumers: report.state.consumers,
    });
    Ok(Json(ListQueuesResponse { queues: queues.collect() }))
}

/// The broker's queues.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListQueuesResponse {
    /// Queues of work first, then those of dead letters.
    queues: Vec<QueueView>,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
struct QueueView {
    /// Its name.
    #[schema(example = "task.ready.small")]
    name: String,
    /// Messages that wait in it.
    depth: u32,
    /// Who takes from it.
    consumers: u32,
}
