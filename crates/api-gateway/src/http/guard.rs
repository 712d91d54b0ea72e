//! Lets requests through that may: finds out who calls, whether that caller has the right for the route (`rules`),
//! whether the object in the path is of a project that the caller may see (`bounds`), serves repeated requests once
//! (`once`), and records changing calls (`note`).

mod bounds;
mod identify;
mod note;
pub(crate) mod once;
pub(crate) mod rules;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use protocol::ErrorCode;

pub(crate) use self::note::AuditSlip;
use self::note::Note;
use self::rules::{Reach, Rule};
use super::AppState;
use super::problem::ApiError;
use crate::access::Caller;

/// The path that a request goes to, as it stands in the table of routes; for the metrics. The router can be asked
/// as well, but only by matching every path once more.
#[derive(Clone, Copy)]
pub(crate) struct RoutePath(pub(crate) &'static str);

/// Serves one request to `path` if its caller may make it.
pub(crate) async fn admit(
    path: &'static str,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    request.extensions_mut().insert(RoutePath(path));
    let Some(rule) = rules::rule_of(path, &request) else { return next.call(request).await };
    let Reach::Scope(scope) = rule.reach else { return next.call(request).await };
    let Some(state) = request.app_data::<Data<AppState>>().cloned() else {
        return Ok(request.error_response(ApiError::internal("an application without state")));
    };
    let caller = match identify::caller_of(&state.access, &request).await {
        Ok(caller) => caller,
        Err(error) => return Ok(request.error_response(error)),
    };
    request.extensions_mut().insert(caller.clone());
    let note = Note::begin(&state, &caller, &request);
    let refusal = if caller.may(scope) {
        bounds::check(&state, &caller, &rule, &request).await.err()
    } else {
        let detail = format!("this needs a key with the scope {}", scope.as_str());
        Some(ApiError::new(ErrorCode::Forbidden, detail))
    };
    let response = match refusal {
        None => once::serve(&state, &caller, &rule, request, next).await?,
        Some(error) => request.error_response(error),
    };
    note.end(&response).await;
    Ok(response)
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        std::future::ready(caller.ok_or_else(|| ApiError::internal("a request whose caller is not known")))
    }
}

impl Rule {
    /// The scope that it asks for, if any.
    pub(crate) const fn scope(&self) -> Option<crate::access::Scope> {
        match self.reach {
            Reach::Everybody => None,
            Reach::Scope(scope) => Some(scope),
        }
    }
}
