//! The REST edge: one small file per endpoint, all routes in `routes`. A handler takes its input apart, makes one
//! call into a use case and shapes the answer; it holds no rule of the business and no SQL.
//!
//! A request passes the outermost middleware (`trace`: ids, span, metrics, problem bodies, headers), then `guard`
//! (who calls, and may they), and then the router: refusals are traced, measured and answered like any other.

mod agents;
mod audit;
mod body;
mod checkpoints;
pub(crate) mod connection;
mod cursor;
mod dead_letters;
mod dispatch;
mod etag;
mod findings;
mod guard;
mod keys;
mod live;
mod ndjson;
mod openapi;
mod operations;
mod page;
mod path;
mod patience;
mod pauses;
mod problem;
mod projects;
mod provenance;
mod query;
mod reviews;
mod routes;
mod security;
mod state;
mod tasks;
mod trace;
pub(crate) mod waiting;
pub(crate) mod webhooks;
mod words;

pub use live::SocketRules;
pub use patience::Patience;
pub use state::AppState;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data};
use actix_web::{App, Error};

use self::body::BodyLimit;
use self::operations::openapi::OpenApiBytes;
use self::words::ConfiguredWords;

/// Under which most paths lie.
const API_PREFIX: &str = "/api/v1";

/// The parts of the application that its workers share. Made once per process.
#[derive(Clone)]
pub struct RestApi {
    state: AppState,
    body_limit: BodyLimit,
    patience: Patience,
    document: OpenApiBytes,
    words: ConfiguredWords,
}

impl RestApi {
    /// Prepares the application; bodies of more than `max_body_bytes` are refused, and so is what takes too long.
    ///
    /// # Errors
    /// Only if the API's document cannot be written as JSON, which is a bug.
    pub fn new(state: AppState, max_body_bytes: usize, patience: Patience) -> serde_json::Result<Self> {
        let words = ConfiguredWords::new(state.tasks.rules().tiers.clone());
        let document = openapi::document(state.version, &words)?.to_string();
        Ok(Self {
            words,
            state,
            body_limit: BodyLimit(max_body_bytes),
            patience,
            document: OpenApiBytes(Bytes::from(document)),
        })
    }

    /// The application for one worker.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        App::new()
            .app_data(self.body_limit)
            .app_data(self.patience)
            .app_data(self.words.clone())
            .app_data(Data::new(self.state.ops.clone()))
            .app_data(Data::new(self.state.clone()))
            .app_data(Data::new(self.document.clone()))
            .configure(routes::configure)
            .wrap(from_fn(trace::observe))
    }
}

/// The API's document as JSON, for an installation with the standard tiers.
///
/// # Errors
/// Only if it cannot be written as JSON, which is a bug.
pub fn openapi_json(version: &str) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&openapi::document(version, &ConfiguredWords::default())?)
}

#[cfg(test)]
mod tests;
