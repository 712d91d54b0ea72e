//! The audit log's entry of a request. A request that is given up half way has one too, for it may have changed
//! something.

use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;

use crate::access::Caller;
use crate::audit::{AuditEntry, Recorder};
use crate::http::AppState;
use crate::http::trace::RequestIdentity;

/// A request under way that is to be recorded.
pub(super) struct Note {
    open: Option<(Recorder, AuditEntry)>,
}

impl Note {
    /// Notes the beginning of a changing call.
    pub(super) fn begin(state: &AppState, caller: &Caller, request: &ServiceRequest) -> Self {
        let recorder = &state.access.audit;
        if !recorder.is_on() || request.method().is_safe() {
            return Self { open: None };
        }
        let identity = request.extensions().get::<RequestIdentity>().cloned();
        let open = identity.map(|identity| {
            let entry = AuditEntry {
                at: state.clock.now().into(),
                caller: caller.id(),
                caller_name: caller.name().to_owned(),
                peer: request.peer_addr().map(|peer| peer.ip().to_string()),
                method: request.method().to_string(),
                path: request.path().to_owned(),
                status: 0,
                location: None,
                trace_id: identity.trace_id,
                request_id: identity.request_id,
            };
            (recorder.clone(), entry)
        });
        Self { open }
    }

    /// Records the call with its answer, durably.
    pub(super) async fn end(mut self, response: &ServiceResponse) {
        let Some((recorder, mut entry)) = self.open.take() else { return };
        entry.status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        entry.location = location.map(ToOwned::to_owned);
        // In a task of its own: who gives up waiting for the answer does not take the entry along.
        let recording = tokio::spawn(async move { recorder.record(entry).await });
        let _ = recording.await;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some((recorder, entry)) = self.open.take() {
            tokio::spawn(async move { recorder.record(entry).await });
        }
    }
}
