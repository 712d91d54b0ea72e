//! Identifiers in paths: what has not the form of one is 400 1006, before anything is looked up.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use protocol::vocabulary::Tier;
use protocol::{AgentId, ArtifactId, CheckpointId, ProjectId, RollbackId, TaskId, TraceId};

use super::body::parse_uuid;
use super::problem::ApiError;
use crate::reviews::ReviewId;
use crate::webhooks::subscription::WebhookId;

/// An identifier that stands in paths under a name of its own.
pub(crate) trait PathIdentifier: Sized {
    /// The parameter's name in the route's pattern.
    const NAME: &'static str;

    /// Checks the decoded text, or says which rule it breaks.
    fn from_segment(segment: &str) -> Result<Self, String>;
}

/// Extractor of the identifier in the path.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub(crate) T);

/// The id of a provenance record, an artifact or a task: any text that an artifact id may be.
#[derive(Debug)]
pub(crate) struct RecordReference(pub(crate) String);

impl PathIdentifier for TaskId {
    const NAME: &'static str = "task_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

impl PathIdentifier for CheckpointId {
    const NAME: &'static str = "checkpoint_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

impl PathIdentifier for RollbackId {
    const NAME: &'static str = "rollback_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

impl PathIdentifier for TraceId {
    const NAME: &'static str = "trace_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

impl PathIdentifier for ProjectId {
    const NAME: &'static str = "project_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parsed(segment)
    }
}

impl PathIdentifier for AgentId {
    const NAME: &'static str = "agent_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

/// A tier in a path. Whether this installation has it is for the endpoint to say.
impl PathIdentifier for Tier {
    const NAME: &'static str = "tier";

    fn from_segment(segment: &str) -> Result<Self, String> {
        Ok(Self::from(segment))
    }
}

impl PathIdentifier for ReviewId {
    const NAME: &'static str = "review_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parsed(segment)
    }
}

impl PathIdentifier for WebhookId {
    const NAME: &'static str = "webhook_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}

impl PathIdentifier for RecordReference {
    const NAME: &'static str = "id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parsed::<ArtifactId>(segment).map(|id| Self(id.into()))
    }
}

fn parsed<T: FromStr<Err: Display>>(segment: &str) -> Result<T, String> {
    segment.parse().map_err(|error: T::Err| error.to_string())
}

impl<T: PathIdentifier> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    /// The router leaves `%2F`, `%2B` and `%25` as they came, so that they do not take part in matching.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let segment = request.match_info().get(T::NAME).unwrap_or_default();
        let checked = percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| "must be UTF-8".to_owned())
            .and_then(|text| T::from_segment(&text));
        std::future::ready(checked.map(Self).map_err(|rule| ApiError::invalid_identifier(T::NAME, rule)))
    }
}
