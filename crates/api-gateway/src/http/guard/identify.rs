//! Whose key a request carries, and whether that caller does not ask too often.

use std::time::Instant;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Query;
use protocol::ErrorCode;

use crate::access::{Access, Caller};
use crate::http::problem::ApiError;

const API_KEY: &str = "x-api-key";
/// For those who cannot set headers: WebSockets and event streams of browsers.
const QUERY_KEY: &str = "api_key";

/// The caller.
///
/// # Errors
/// 4010 without a good key where one is needed, 4290 for a caller who asks too often, 5030 when the keys cannot be read.
pub(super) async fn caller_of(access: &Access, request: &ServiceRequest) -> Result<Caller, ApiError> {
    let caller = if access.required {
        let key = key_of(request).ok_or_else(|| unauthenticated("an API key is needed"))?;
        let holder = access.keys.holder_of(&key).await?;
        holder.ok_or_else(|| unauthenticated("the API key is not valid"))?
    } else {
        Caller::anonymous()
    };
    let bucket = match request.peer_addr() {
        Some(peer) if !caller.has_key() => peer.ip().to_string(),
        _ => caller.id(),
    };
    access.limiter.take(&bucket, Instant::now()).map_err(|wait| {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        ApiError::new(ErrorCode::RateLimited, "too many requests with this key")
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds as u64))
    })?;
    Ok(caller)
}

fn unauthenticated(detail: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn key_of(request: &ServiceRequest) -> Option<String> {
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().ok().map(str::trim).map(ToOwned::to_owned);
    if let Some(key) = headers.get(API_KEY) {
        return text(key);
    }
    if let Some(value) = headers.get(header::AUTHORIZATION).and_then(text) {
        let (scheme, key) = value.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned());
    }
    if !takes_key_from_query(request.path()) {
        return None;
    }
    let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?.into_inner();
    pairs.into_iter().find(|(name, _)| name == QUERY_KEY).map(|(_, key)| key)
}

/// Elsewhere a key in the query would only end up in the logs of proxies.
fn takes_key_from_query(path: &str) -> bool {
    let path = path.strip_prefix(crate::http::API_PREFIX).unwrap_or(path);
    path.starts_with("/ws/") || (path.starts_with("/tasks/") && path.ends_with("/stream"))
}
