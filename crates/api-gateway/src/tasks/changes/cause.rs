//! Why something happened to a task: what its history says, and what ties the events that follow to their cause.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use protocol::{EventId, TraceId};

use crate::tasks::lifecycle::Ignored;
use crate::tasks::store::history::HistoryRecord;
use crate::tasks::task::Task;

/// The gateway as the source of events.
pub(crate) const SOURCE: &str = "/orchestration/api-gateway";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    /// What happened, as the history names it.
    pub(crate) event: &'static str,
    /// The event that told it.
    pub(crate) event_id: Option<EventId>,
    /// Who told it.
    pub(crate) source: Cow<'static, str>,
    /// Anything else worth telling, such as why somebody cancelled.
    pub(crate) note: Option<String>,
    /// The trace it happened in; the task's own where nobody told one.
    pub(crate) trace_id: Option<TraceId>,
    /// The span that the events that follow belong to.
    pub(crate) traceparent: Option<String>,
}

impl Cause {
    /// Something that the gateway itself did.
    pub(crate) const fn ours(event: &'static str) -> Self {
        Self {
            event,
            event_id: None,
            source: Cow::Borrowed(SOURCE),
            note: None,
            trace_id: None,
            traceparent: None,
        }
    }

    /// The line of the history that says what became of it.
    pub(super) fn record(
        &self,
        before: &Task,
        after: &Task,
        at: DateTime<Utc>,
        ignored: Option<&Ignored>,
    ) -> HistoryRecord {
        HistoryRecord {
            task_id: after.submission.id,
            at,
            event: self.event,
            event_id: self.event_id,
            from_phase: before.phase,
            to_phase: after.phase,
            attempt: before.attempt,
            ignored: ignored.map(ToString::to_string),
            note: self.note.clone(),
            source: self.source.clone().into_owned(),
            trace_id: Some(self.trace_id.unwrap_or(after.submission.trace_id)),
        }
    }
}
