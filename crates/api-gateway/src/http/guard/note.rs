//! The audit log's entry of a request. A request that is given up half way has one too, for it may have changed
//! something. A handler may take the entry over and have it written with the change itself: then both are there, or
//! neither, and nobody waits for a second commit.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::access::Caller;
use crate::audit::{AuditEntry, Recorder};
use crate::http::AppState;
use crate::http::problem::ApiError;
use crate::http::trace::RequestIdentity;

/// A request under way that is to be recorded.
pub(super) struct Note {
    recorder: Recorder,
    slip: AuditSlip,
}

/// The entry of the request, if there is to be one; an extractor for handlers that take it over.
#[derive(Clone, Default)]
pub(crate) struct AuditSlip(Rc<RefCell<Slip>>);

#[derive(Default)]
struct Slip {
    entry: Option<AuditEntry>,
    /// The answer with which whoever took it over records it.
    recorded_with: Option<StatusCode>,
}

impl AuditSlip {
    /// The entry as it will be once the request is answered like this, for whoever makes the change to record it with
    /// that. With any other answer it is recorded after all.
    pub(crate) fn take_over(&self, status: StatusCode, location: Option<String>) -> Option<AuditEntry> {
        let mut slip = self.0.borrow_mut();
        let entry = slip.entry.clone()?;
        slip.recorded_with = Some(status);
        Some(AuditEntry { status: status.as_u16(), location, ..entry })
    }
}

impl FromRequest for AuditSlip {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

impl Note {
    /// Notes the beginning of a changing call.
    pub(super) fn begin(state: &AppState, caller: &Caller, request: &ServiceRequest) -> Self {
        let recorder = state.access.audit.clone();
        if !recorder.is_on() || request.method().is_safe() {
            return Self { recorder, slip: AuditSlip::default() };
        }
        let identity = request.extensions().get::<RequestIdentity>().cloned();
        let entry = identity.map(|identity| AuditEntry {
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
        });
        let slip = AuditSlip(Rc::new(RefCell::new(Slip { entry, recorded_with: None })));
        request.extensions_mut().insert(slip.clone());
        Self { recorder, slip }
    }

    /// Records the call with its answer, durably.
    pub(super) async fn end(self, response: &ServiceResponse) {
        let Slip { entry, recorded_with } = std::mem::take(&mut *self.slip.0.borrow_mut());
        let Some(mut entry) = entry.filter(|_| recorded_with != Some(response.status())) else { return };
        entry.status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        entry.location = location.map(ToOwned::to_owned);
        // In a task of its own: who gives up waiting for the answer does not take the entry along.
        let recorder = self.recorder.clone();
        let recording = tokio::spawn(async move { recorder.record(entry).await });
        let _ = recording.await;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let Slip { entry, recorded_with } = std::mem::take(&mut *self.slip.0.borrow_mut());
        if let Some(entry) = entry.filter(|_| recorded_with.is_none()) {
            let recorder = self.recorder.clone();
            tokio::spawn(async move { recorder.record(entry).await });
        }
    }
}
