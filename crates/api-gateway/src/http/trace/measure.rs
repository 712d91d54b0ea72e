//! What one request took, for the metrics and the span. Routes are told by their pattern, never by their ids.

use std::time::Instant;

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use service_runtime::telemetry;
use tracing::Span;

use crate::metrics::{HTTP_REQUESTS, HTTP_SECONDS};

/// The route of requests that reached none.
const NO_ROUTE: &str = "unmatched";

/// A request under way.
pub(super) struct Measurement {
    method: &'static str,
    started: Instant,
}

impl Measurement {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        Self { method: known_method(request.method()), started: Instant::now() }
    }

    /// Records the answer. `route` is the pattern that matched.
    pub(super) fn end(self, span: &Span, route: Option<&str>, status: StatusCode) {
        let seconds = self.started.elapsed().as_secs_f64();
        let route = route.filter(|route| !route.is_empty()).unwrap_or(NO_ROUTE);
        telemetry::rename(span, format!("{} {route}", self.method));
        span.record("http.route", route);
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        let labels = [
            ("method", self.method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        metrics::counter!(HTTP_REQUESTS, &labels).increment(1);
        metrics::histogram!(HTTP_SECONDS, &labels).record(seconds);
        tracing::debug!(duration_ms = seconds * 1000.0, "answered");
    }
}

/// A client can invent methods; a metric's labels must not grow with them.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
