//! The endpoints for operators, the same on every service: `/livez` (the process answers),
//! `/readyz` (it can do its work; 503 and the reason when not), `/metrics` (Prometheus) and `/log-level`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server;
use actix_web::web::{self, Data, Query, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::health::{DependencyReport, Health, LifePhase};
use crate::http::HttpSettings;
use crate::telemetry::{LogLevel, MetricsHandle};

/// The format of Prometheus' text exposition.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the endpoints show.
#[derive(Clone)]
pub struct OpsState {
    /// The service's checks.
    pub health: Health,
    /// The service's metrics.
    pub metrics: MetricsHandle,
    /// The service's log level.
    pub log_level: LogLevel,
}

/// Adds the endpoints to an application: `App::new().configure(ops::configure(state))`.
pub fn configure(state: OpsState) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(Data::new(state))
            .route("/livez", web::get().to(show_liveness))
            .route("/readyz", web::get().to(show_readiness))
            .route("/metrics", web::get().to(show_metrics))
            .route("/log-level", web::get().to(show_log_level))
            .route("/log-level", web::put().to(set_log_level));
    }
}

/// A server for nothing but these endpoints, with its address. It runs when awaited; see
/// [`crate::http::serve_until`].
///
/// # Errors
/// When the address cannot be bound.
pub fn server(settings: &HttpSettings, state: OpsState) -> io::Result<(Server, SocketAddr)> {
    let server = HttpServer::new(move || App::new().configure(configure(state.clone())))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(settings.address(settings.ops_port_or_port()))?;
    let address = server
        .addrs()
        .first()
        .copied()
        .ok_or_else(|| io::Error::other("the operations server has no address"))?;
    Ok((server.run(), address))
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    phase: &'static str,
    dependencies: BTreeMap<&'static str, DependencyReport>,
}

/// Answers `/livez`: the process answers, whatever it depends on.
pub async fn show_liveness() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "alive" }))
}

/// What a prober may say of itself.
#[derive(Debug, Default, Deserialize)]
pub struct ReadinessQuery {
    /// Dependencies, separated by commas, whose absence only puts work off and does not matter to the prober.
    #[serde(default)]
    tolerate: String,
}

/// Answers `/readyz`: 200, or 503 with the dependency that is missing.
pub async fn show_readiness(state: Data<OpsState>, query: Query<ReadinessQuery>) -> HttpResponse {
    let report = state.health.report().await;
    let ready = report.is_ready_despite(|name| query.tolerate.split(',').any(|word| word.trim() == name));
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(Readiness {
        status: if ready { "ready" } else { "not_ready" },
        phase: match report.phase {
            LifePhase::Starting => "starting",
            LifePhase::Serving => "serving",
            LifePhase::Draining => "draining",
        },
        dependencies: report.dependencies.into_iter().map(|report| (report.name, report)).collect(),
    })
}

/// Answers `/metrics` in Prometheus' text format.
pub async fn show_metrics(state: Data<OpsState>) -> HttpResponse {
    HttpResponse::Ok().content_type(METRICS_CONTENT_TYPE).body(state.metrics.render())
}

/// Answers `GET /log-level` with the level as text.
async fn show_log_level(state: Data<OpsState>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(state.log_level.current())
}

/// Answers `PUT /log-level`: sets the level to the words in the body, until the service ends or reads its settings
/// again. Only for callers on the same machine (or through a port-forward, which ends there): what is logged is the
/// operator's business.
async fn set_log_level(state: Data<OpsState>, request: HttpRequest, level: String) -> HttpResponse {
    if !request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return HttpResponse::Forbidden().body("only from the machine itself");
    }
    match state.log_level.set(&level) {
        Ok(()) => {
            warn!(level = level.trim(), "log level set");
            HttpResponse::NoContent().finish()
        }
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}
