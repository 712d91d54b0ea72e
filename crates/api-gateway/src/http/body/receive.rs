//! Takes a body off the connection: content type, encoding and size are checked before anything is parsed.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;
use protocol::ErrorCode;
use tokio::time::timeout;

use crate::http::patience::Patience;
use crate::http::problem::ApiError;

/// Most bytes that are read and thrown away after a body turned out too large. A client that writes everything
/// before it reads would otherwise see a broken connection in place of the answer.
const MOST_DISCARDED: usize = 8 * 1024 * 1024;

/// Largest body that is taken, in bytes; part of the application's data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

/// Refuses what is not announced as plain UTF-8 JSON.
pub(super) fn check_headers(request: &HttpRequest) -> Result<(), ApiError> {
    let text_of = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(encoding) = text_of(header::CONTENT_ENCODING)
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        return Err(unsupported("the body must not be encoded (Content-Encoding)"));
    }
    match text_of(header::CONTENT_TYPE) {
        Some(content_type) if is_utf8_json(content_type) => Ok(()),
        Some(_) => Err(unsupported("the Content-Type must be application/json in UTF-8")),
        None => Err(unsupported("the Content-Type header is missing; it must be application/json")),
    }
}

fn unsupported(detail: &'static str) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedMediaType, detail)
}

/// `application/json` or a `+json` type, with no charset but UTF-8.
fn is_utf8_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let is_json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let other_charset = parts.any(|parameter| {
        parameter
            .strip_prefix("charset=")
            .is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
    });
    is_json && !other_charset
}

/// Reads the whole body.
///
/// # Errors
/// 1004 if it is larger than the limit, 1003 if it breaks off, or with 408 if it takes too long.
pub(crate) async fn collect(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let patience = request.app_data::<Patience>().copied().unwrap_or_default();
    match timeout(patience.body, collect_all(request, payload)).await {
        Ok(collected) => collected,
        Err(_elapsed) => Err(ApiError::new(ErrorCode::MalformedJson, "the body did not arrive in time")
            .with_status(StatusCode::REQUEST_TIMEOUT)),
    }
}

async fn collect_all(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, ApiError> {
    let limit = request.app_data::<BodyLimit>().copied().unwrap_or_default().0;
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::new(ErrorCode::MalformedJson, "the body broke off"))?;
        if body.len() + chunk.len() > limit {
            discard_rest(payload).await;
            let detail = format!("the body is larger than {limit} bytes");
            return Err(ApiError::new(ErrorCode::PayloadTooLarge, detail));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn discard_rest(mut payload: Payload) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = payload.next().await {
        discarded += chunk.len();
        if discarded > MOST_DISCARDED {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_by_its_content_type() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/merge-patch+json", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("text/plain", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            assert_eq!(is_utf8_json(content_type), expected, "{content_type}");
        }
    }
}
