//! Pausing and resuming projects and tiers: `project` and `tier` hold two small endpoints each.

pub(crate) mod list;
pub(crate) mod project;
pub(crate) mod tier;

use protocol::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{Fields, ReadBody};
use crate::access::Caller;
use crate::pauses::{Pause, PauseRequest};

/// Most characters of a reason.
const MOST_REASON_CHARS: usize = 1_000;

/// Why something is paused or resumed.
#[derive(Debug, Default, ToSchema)]
pub(crate) struct ReasonRequest {
    /// For those who wait.
    #[schema(max_length = 1_000)]
    reason: Option<String>,
}

impl ReadBody for ReasonRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.optional("reason", |node| node.text(0..=MOST_REASON_CHARS)) })
    }
}

impl PauseRequest {
    /// What the caller asks for, under the name of its key.
    fn of(caller: &Caller, request: Option<ReasonRequest>) -> Self {
        Self { reason: request.and_then(|request| request.reason), by: caller.key_name() }
    }
}

/// Why and since when nothing new is released.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
pub(crate) struct PauseView {
    /// Since when.
    #[schema(value_type = DateTime)]
    since: Timestamp,
    /// Why, if somebody said.
    reason: Option<String>,
    /// Who did it, where that is known.
    by: Option<String>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        Self { since: pause.since, reason: pause.reason, by: pause.by }
    }
}
