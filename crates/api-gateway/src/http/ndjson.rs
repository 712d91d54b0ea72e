//! JSON by lines (`application/x-ndjson`): answers that begin before they are known to their end.

use std::future::Future;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::stream;
use serde_json::json;

use super::problem::ApiError;

/// The content type.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// Lines as they are sent.
pub(crate) fn to_bytes(lines: impl IntoIterator<Item = String>) -> Bytes {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    Bytes::from(text)
}

/// An answer that goes on with what `next` gives until there is nothing more. It is asked only while the client
/// reads. What goes wrong after the beginning can only be told in a last line, `{"error": {...}}`.
pub(crate) fn streamed<State, Next, Giving>(first: Bytes, state: State, next: Next) -> HttpResponse
where
    State: 'static,
    Next: Fn(State) -> Giving + 'static,
    Giving: Future<Output = Result<Option<(Bytes, State)>, ApiError>> + 'static,
{
    let more = stream::unfold(Some(state), move |state| {
        let given = state.map(&next);
        async move {
            match given?.await {
                Ok(Some((bytes, state))) => Some((Ok(bytes), Some(state))),
                Ok(None) => None,
                Err(error) => {
                    error.log();
                    let line = json!({ "error": { "code": error.code().name(), "message": error.detail() } });
                    Some((Ok(to_bytes([line.to_string()])), None))
                }
            }
        }
    });
    let first = stream::iter((!first.is_empty()).then_some(Ok::<_, actix_web::Error>(first)));
    HttpResponse::Ok()
        .content_type(NDJSON)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // Proxies that collect answers before they pass them on would hold up client and server alike.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(futures_util::StreamExt::chain(first, more))
}
