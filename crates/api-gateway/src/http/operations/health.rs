//! `GET /health` and `GET /health/detailed`: how the service is, for people and dashboards.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::Timestamp;
use serde::Serialize;
use service_runtime::health::{DependencyReport, DependencyStatus, HealthReport, HealthStatus};
use utoipa::ToSchema;

use crate::http::AppState;

/// Tells how the service is
#[utoipa::path(
    get,
    path = "/api/v1/health",
    tag = "operations",
    responses(
        (status = 200, description = "It works, perhaps with less (`degraded`)", body = HealthResponse),
        (status = 503, description = "It cannot work (`unhealthy`)", body = HealthResponse),
    )
)]
pub(crate) async fn get_health(state: Data<AppState>) -> HttpResponse {
    let report = state.ops.health.report().await;
    answer(report.status, HealthResponse::of(&state, report.status))
}

/// Tells how the service and each of its dependencies are
#[utoipa::path(
    get,
    path = "/api/v1/health/detailed",
    tag = "operations",
    responses(
        (status = 200, description = "It works, perhaps with less (`degraded`)", body = DetailedHealthResponse),
        (status = 503, description = "It cannot work (`unhealthy`)", body = DetailedHealthResponse),
    )
)]
pub(crate) async fn get_detailed_health(state: Data<AppState>) -> HttpResponse {
    let HealthReport { status, dependencies, .. } = state.ops.health.report().await;
    let dependencies = dependencies.into_iter().map(|report| (report.name, report.into())).collect();
    let health = HealthResponse::of(&state, status);
    answer(status, DetailedHealthResponse { health, dependencies })
}

fn answer(status: HealthStatus, body: impl Serialize) -> HttpResponse {
    let mut response = match status {
        HealthStatus::Healthy | HealthStatus::Degraded => HttpResponse::Ok(),
        HealthStatus::Unhealthy => HttpResponse::ServiceUnavailable(),
    };
    response.json(body)
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    /// In one word.
    #[schema(value_type = HealthStatusWord)]
    status: HealthStatus,
    /// The service's version.
    version: &'static str,
    /// When that was found.
    #[schema(value_type = DateTime)]
    timestamp: Timestamp,
}

impl HealthResponse {
    fn of(state: &AppState, status: HealthStatus) -> Self {
        Self { status, version: state.version, timestamp: state.clock.now().into() }
    }
}

/// How the service and each of its dependencies are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailedHealthResponse {
    #[serde(flatten)]
    health: HealthResponse,
    /// `database`, `rabbitmq`, `routing_engine` and `provenance_store`.
    dependencies: BTreeMap<&'static str, DependencyView>,
}

/// How a dependency is.
#[derive(Debug, Serialize, ToSchema)]
struct DependencyView {
    /// In one word.
    status: DependencyState,
    /// Whether the service cannot work without it.
    required: bool,
    /// What is wrong.
    detail: Option<String>,
}

/// Whether a dependency answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DependencyState {
    /// It does.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// How the service is, in one word.
#[derive(ToSchema)]
#[schema(as = HealthStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "names a schema and has no values")]
enum HealthStatusWord {
    /// Everything is there.
    Healthy,
    /// Something is away that can be done without for a while.
    Degraded,
    /// Something is away that is needed.
    Unhealthy,
}

impl From<DependencyReport> for DependencyView {
    fn from(report: DependencyReport) -> Self {
        Self {
            status: match report.status {
                DependencyStatus::Up => DependencyState::Healthy,
                DependencyStatus::Down => DependencyState::Unhealthy,
            },
            required: report.required,
            detail: report.detail,
        }
    }
}
