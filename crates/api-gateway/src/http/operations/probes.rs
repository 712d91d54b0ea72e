//! `/livez`, `/readyz` and `/metrics`, the same as on every service.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use service_runtime::ops::{self, OpsState, ReadinessQuery};

/// Tells that the process answers
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operations",
    responses((status = 200, description = "It does", body = Object, content_type = "application/json"))
)]
pub(crate) async fn get_liveness() -> HttpResponse {
    ops::show_liveness().await
}

/// Tells whether requests may be sent here
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    params((
        "tolerate" = Option<String>, Query, example = "rabbitmq",
        description = "Dependencies, separated by commas, whose absence only puts work off and does not matter \
            to the prober: without RabbitMQ, tasks are still taken in",
    )),
    responses(
        (status = 200, description = "They may", body = Object, content_type = "application/json"),
        (status = 503, description = "Something that is needed is away, or the service starts or stops; \
            the body says what", body = Object, content_type = "application/json"),
    )
)]
pub(crate) async fn get_readiness(ops: Data<OpsState>, query: Query<ReadinessQuery>) -> HttpResponse {
    ops::show_readiness(ops, query).await
}

/// Shows the metrics in Prometheus' text format
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn get_metrics(ops: Data<OpsState>) -> HttpResponse {
    ops::show_metrics(ops).await
}
