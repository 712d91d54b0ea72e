//! `GET /ws/{trace_id}`: a WebSocket that tells every change of a trace's tasks.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use protocol::{ErrorCode, TraceId};

use super::message::SocketMessage;
use super::session;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSocket};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::live::Watch;

/// Largest frame that a client may send, in bytes. Nothing of what it sends is read but pings and goodbyes.
const MOST_FRAME_BYTES: usize = 4096;

/// Watches the tasks of a trace
///
/// A WebSocket. First comes a `snapshot` of every task of the trace, then a `task_update` for each change, also of
/// tasks that come later; an unknown trace has an empty snapshot. A task's `sequence` grows with every update and
/// never comes twice. Pings come every 20 s; who answers none is dropped, who reads too slowly is closed with 1013
/// and may connect again. Pages of other hosts need their origin in `live.allowed_origins`.
#[utoipa::path(
    get,
    path = "/ws/{trace_id}",
    tag = "tasks",
    params(
        ("trace_id" = Uuid, Path, description = "The trace"),
        ("api_key" = Option<String>, Query, description = "The API key, for browsers, which cannot set headers here"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket; each message is text with one of these",
            body = SocketMessage),
        NoSocket,
        CannotServe,
    )
)]
pub(crate) async fn watch_trace(
    request: HttpRequest,
    body: Payload,
    state: Data<AppState>,
    trace_id: PathId<TraceId>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    state.sockets.origins.check(request.headers())?;
    let (response, session, incoming) = actix_ws::handle(&request, body).map_err(not_a_handshake)?;
    let watch = match caller.projects() {
        Some(projects) => Watch::trace(trace_id.0).within(projects.to_vec()),
        None => Watch::trace(trace_id.0),
    };
    let opened = state.live.subscribe(watch).await?;
    let incoming = incoming.max_frame_size(MOST_FRAME_BYTES);
    actix_web::rt::spawn(session::serve(trace_id.0, opened, session, incoming, state.sockets.ping_every));
    Ok(response)
}

fn not_a_handshake(error: actix_web::Error) -> ApiError {
    ApiError::new(ErrorCode::ValidationFailed, format!("a WebSocket handshake is expected here: {error}"))
}
