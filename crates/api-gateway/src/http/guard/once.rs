//! `Idempotency-Key`: a POST that is sent twice with the same key is served once, and its answer is given twice.

use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};
use futures_util::stream;
use protocol::ErrorCode;
use tracing::{Instrument, warn};

use super::rules::Rule;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::collect;
use crate::http::problem::{ApiError, FieldError};
use crate::http::trace::{RequestIdentity, with_problem};
use crate::idempotency::{Claim, Claimed, Fingerprint, Idempotency, KeptAnswer, KeyedRequest, OperationId};

pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key, in characters.
const MOST_KEY_CHARS: usize = 255;
/// Longest answer that is kept, in bytes.
const MOST_KEPT_BYTES: u64 = 4 * 1024 * 1024;

/// Refusals that are kept. That something is not there is none of them: it may be on its way, a record of a task that was
/// just completed for example, and whoever insists under the same key shall get it.
const FINAL_REFUSALS: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];

/// What is kept in the place of an answer that holds a secret.
pub(crate) struct KeptInstead(pub(crate) Vec<u8>);

/// Whether requests of that route are served once for each key. Bodies that are streamed in are not kept in memory;
/// what they bring is told apart by its own ids.
pub(crate) fn applies_to(method: &Method, rule: &Rule) -> bool {
    method == Method::POST && !rule.pattern.ends_with("/import")
}

/// Serves the request, or finds its answer.
pub(super) async fn serve(
    state: &AppState,
    caller: &Caller,
    rule: &Rule,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !applies_to(request.method(), rule) || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.call(request).await;
    }
    let keyed = match keyed_request(caller, &mut request).await {
        Ok(keyed) => keyed,
        Err(error) => return Ok(request.error_response(error)),
    };
    let refusal = match state.idempotency.claim(keyed).await {
        Ok(Claimed::Mine(claim)) => {
            request.extensions_mut().insert(claim.operation_id);
            // In a task of its own: a client that leaves does not keep its answer from being stored.
            let serving = serve_claimed(state.idempotency.clone(), claim, request, next).in_current_span();
            return match actix_web::rt::spawn(serving).await {
                Ok(served) => served,
                Err(_panic) => Err(ApiError::internal("a handler panicked").into()),
            };
        }
        Ok(Claimed::Answered(answer)) => return Ok(request.into_response(repeated(answer))),
        Ok(Claimed::Running) => ApiError::new(
            ErrorCode::RequestInProgress,
            "the first request with this key is still being served",
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from(1)),
        Ok(Claimed::Reused) => {
            ApiError::new(ErrorCode::IdempotencyKeyReused, "this key was used for another request")
        }
        Err(error) => error.into(),
    };
    Ok(request.error_response(refusal))
}

/// Reads the key and the whole request; the body is there again afterwards.
async fn keyed_request(caller: &Caller, request: &mut ServiceRequest) -> Result<KeyedRequest, ApiError> {
    let key = read_key(request.headers())?;
    let payload = request.take_payload();
    let body = collect(request.request(), payload).await?;
    let method = request.method().as_str().as_bytes().to_vec();
    let fingerprint =
        Fingerprint::of(&[&method, request.path().as_bytes(), request.query_string().as_bytes(), &body]);
    let again = stream::once(std::future::ready(Ok(body)));
    request.set_payload(Payload::Stream { payload: Box::pin(again) });
    Ok(KeyedRequest { caller: caller.id(), key, fingerprint })
}

fn read_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let refuse = |message: &str| {
        let (field, message) = (IDEMPOTENCY_KEY.to_owned(), message.to_owned());
        Err(ApiError::invalid(vec![FieldError { field, message }]))
    };
    let mut given = headers.get_all(IDEMPOTENCY_KEY);
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return refuse("must not be repeated");
    }
    match first.and_then(|value| value.to_str().ok()) {
        Some(key) if (1..=MOST_KEY_CHARS).contains(&key.len()) => Ok(key.to_owned()),
        _ => refuse("must have 1 to 255 printable characters"),
    }
}

/// Whether an answer is the answer to the request, whoever asks again: that it was done, or what is wrong with it. What
/// only says that it could not be judged now, or not as it was sent, leaves the key free.
fn is_final(status: StatusCode) -> bool {
    status.is_success() || FINAL_REFUSALS.contains(&status)
}

/// Serves a request that nobody else serves.
async fn serve_claimed(
    keys: Idempotency,
    claim: Claim,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (response, kept) = match next.call(request).await {
        Ok(response) if is_final(response.status()) => {
            // What is kept is what the client reads, not the error that it is made from.
            let identity = response.request().extensions().get::<RequestIdentity>().cloned();
            let response = match identity {
                Some(identity) => with_problem(response, &identity),
                None => response,
            };
            let (response, kept) = read_answer(response).await?;
            (Ok(response), kept)
        }
        unjudged => (unjudged, None),
    };
    let settled = match &kept {
        Some(answer) => keys.keep(&claim, answer).await,
        None => keys.release(&claim).await,
    };
    if let Err(error) = settled {
        let error: &dyn std::error::Error = &error;
        warn!(error, "an idempotency key is blocked until its claim runs out");
    }
    response
}

/// Reads an answer, so that it can be kept, and gives it back. One without end, or of great size, is not kept.
async fn read_answer(
    response: ServiceResponse<BoxBody>,
) -> Result<(ServiceResponse<BoxBody>, Option<KeptAnswer>), Error> {
    match response.response().body().size() {
        BodySize::None => {}
        BodySize::Sized(bytes) if bytes <= MOST_KEPT_BYTES => {}
        BodySize::Sized(_) | BodySize::Stream => return Ok((response, None)),
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body: Bytes = to_bytes(body).await.map_err(|error| ApiError::internal(error.to_string()))?;
    let instead = head.extensions().get::<KeptInstead>().map(|kept| kept.0.clone());
    let text = |name: HeaderName| head.headers().get(name).and_then(|value| value.to_str().ok());
    let kept = KeptAnswer {
        status: head.status().as_u16(),
        content_type: text(header::CONTENT_TYPE).map(ToOwned::to_owned),
        location: text(header::LOCATION).map(ToOwned::to_owned),
        body: instead.unwrap_or_else(|| body.to_vec()),
    };
    let response = ServiceResponse::new(request, head.set_body(BoxBody::new(body)));
    Ok((response, Some(kept)))
}

fn repeated(answer: KeptAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header((REPLAYED, "true"));
    for (name, value) in [(header::CONTENT_TYPE, answer.content_type), (header::LOCATION, answer.location)] {
        if let Some(value) = value {
            response.insert_header((name, value));
        }
    }
    response.body(answer.body)
}

impl FromRequest for OperationId {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let operation = request.extensions().get::<Self>().copied();
        std::future::ready(operation.ok_or_else(|| ApiError::internal("a request without idempotency key")))
    }
}
