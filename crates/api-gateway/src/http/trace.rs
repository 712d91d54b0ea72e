//! The outermost middleware: gives every request its trace id, request id, span and metrics, and gives every
//! answer its headers. Errors become their answers here, because only here the trace they must name is known.

mod identity;
mod measure;

pub(crate) use identity::RequestIdentity;

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use self::measure::Measurement;
use super::guard::RoutePath;
use super::patience::Patience;
use super::problem::ApiError;
use super::security;

/// Serves one request.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let measurement = Measurement::begin(&request);
    let span = request_span(&request);
    let identity = RequestIdentity::establish(request.headers(), &span);
    span.record("trace.id", tracing::field::display(identity.trace_id));
    span.record("request.id", identity.request_id.as_str());
    request.extensions_mut().insert(identity.clone());
    let for_docs = security::is_documentation(request.path());

    let patience = request.app_data::<Patience>().copied().unwrap_or_default();
    let serving = AssertUnwindSafe(next.call(request)).catch_unwind();
    let served = tokio::time::timeout(patience.answer, serving).instrument(span.clone()).await;
    let _entered = span.enter();
    let Ok(served) = served else {
        let error = ApiError::unavailable("no answer could be found in time");
        return Err(answer_outside(error, &identity, for_docs, measurement, &span));
    };
    match served {
        Ok(Ok(response)) => {
            let mut response = with_problem(response, &identity);
            decorate(response.headers_mut(), &identity, for_docs);
            let route = response.request().extensions().get::<RoutePath>().map(|path| path.0);
            measurement.end(&span, route, response.status());
            Ok(response)
        }
        // Without a response there is no request left to attach one to: the answer travels inside the error.
        Ok(Err(error)) => Err(answer_outside(problem_of(&error), &identity, for_docs, measurement, &span)),
        Err(_panic) => {
            let error = ApiError::internal("a handler panicked");
            Err(answer_outside(error, &identity, for_docs, measurement, &span))
        }
    }
}

/// Every field that is ever recorded is declared here. Span names hold no ids, so that they can be grouped.
fn request_span(request: &ServiceRequest) -> Span {
    tracing::info_span!(
        "http.request",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %request.method(),
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
        url.path = request.path(),
        trace.id = tracing::field::Empty,
        request.id = tracing::field::Empty,
    )
}

/// The response as it is, or the problem body if it stands for an error.
pub(crate) fn with_problem(
    response: ServiceResponse<BoxBody>,
    identity: &RequestIdentity,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match response.response().error() {
        Some(error) => problem_response(error, identity),
        None if has_own_body(response.headers()) => return response,
        None => ApiError::of_status(status).to_response(identity.trace_id),
    };
    response.into_response(problem)
}

/// Answers of ours that tell of trouble in their own shape, such as health.
fn has_own_body(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/"))
}

fn problem_response(error: &Error, identity: &RequestIdentity) -> HttpResponse {
    if let Some(error) = error.as_error::<ApiError>() {
        error.log();
        return error.to_response(identity.trace_id);
    }
    let error = problem_of(error);
    error.log();
    error.to_response(identity.trace_id)
}

/// The framework's own errors, of which only the status and a text for the log are known.
fn problem_of(error: &Error) -> ApiError {
    ApiError::of_status(error.as_response_error().status_code()).caused_by(error.to_string())
}

fn answer_outside(
    error: ApiError,
    identity: &RequestIdentity,
    for_docs: bool,
    measurement: Measurement,
    span: &Span,
) -> Error {
    error.log();
    let mut response = error.to_response(identity.trace_id);
    decorate(response.headers_mut(), identity, for_docs);
    measurement.end(span, None, error.status_code());
    InternalError::from_response(error, response).into()
}

fn decorate(headers: &mut HeaderMap, identity: &RequestIdentity, for_docs: bool) {
    identity.add_headers(headers);
    security::add_headers(headers, for_docs);
}
