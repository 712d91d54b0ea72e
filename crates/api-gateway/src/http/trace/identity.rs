//! Who a request is: the trace it belongs to and the id its client knows it by.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use protocol::TraceId;
use protocol::trace_context::TraceParent;
use service_runtime::telemetry;
use tracing::Span;
use uuid::Uuid;

use crate::http::problem::ApiError;

const TRACEPARENT: &str = "traceparent";
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is echoed; a longer one is replaced.
const MOST_REQUEST_ID_CHARS: usize = 128;

/// The ids of one request; an extractor for handlers that pass the trace on.
#[derive(Debug, Clone)]
pub(crate) struct RequestIdentity {
    /// The 16 bytes of the W3C trace id.
    pub(crate) trace_id: TraceId,
    /// The client's own, or one that was made for it.
    pub(crate) request_id: String,
}

impl RequestIdentity {
    /// Takes over what the client sent, as far as it is sane, and ties `span` to the same trace.
    pub(super) fn establish(headers: &HeaderMap, span: &Span) -> Self {
        let text_of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let parent = text_of(TRACEPARENT).and_then(TraceParent::parse);
        let trace_id = parent.map_or_else(TraceId::generate, |parent| parent.trace_id);
        match parent {
            Some(parent) => telemetry::set_parent(span, Some(&parent.to_header())),
            None => telemetry::set_trace_id(span, *trace_id.as_uuid().as_bytes()),
        }
        let request_id = text_of(REQUEST_ID.as_str()).filter(|id| is_sane(id)).map(ToOwned::to_owned);
        Self { trace_id, request_id: request_id.unwrap_or_else(|| Uuid::new_v4().to_string()) }
    }

    /// `X-Trace-Id` and `X-Request-Id`.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        for (name, text) in [(TRACE_ID, self.trace_id.to_string()), (REQUEST_ID, self.request_id.clone())] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

fn is_sane(request_id: &str) -> bool {
    (1..=MOST_REQUEST_ID_CHARS).contains(&request_id.len())
        && request_id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

impl FromRequest for RequestIdentity {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identity = request.extensions().get::<Self>().cloned();
        std::future::ready(identity.ok_or_else(|| ApiError::internal("a request without identity")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_request_ids_of_modest_length_are_echoed() {
        assert!(is_sane("order-17 / try 2"));
        assert!(is_sane(&"x".repeat(128)));
        for refused in ["", "a\tb", "é", &"x".repeat(129)] {
            assert!(!is_sane(refused), "{refused:?}");
        }
    }
}
