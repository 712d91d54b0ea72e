//! The events that follow from a change.

use chrono::{DateTime, Utc};
use messaging::OutboxEntry;
use protocol::events::{Artifact, EventData, TaskCancelled, TaskCreated, TaskStatusChanged};
use protocol::trace_context::TraceParent;
use protocol::vocabulary::{Phase, Tier};
use protocol::{Event, RequestId, TraceId};

use super::cause::{Cause, SOURCE};
use crate::tasks::inheritance::with_inherited;
use crate::tasks::lifecycle::{Effect, Input};
use crate::tasks::task::Task;
use crate::webhooks::Announcement;

/// A change, seen from both ends.
pub(super) struct Change<'a> {
    pub(super) before: &'a Task,
    pub(super) after: &'a Task,
    pub(super) input: &'a Input,
    pub(super) cause: &'a Cause,
    /// What the tasks produced that this one depends on.
    pub(super) inherited: &'a [Artifact],
    /// Where routing must not lead it.
    pub(super) paused_tiers: &'a [Tier],
    pub(super) now: DateTime<Utc>,
}

impl Change<'_> {
    /// Everything that it is followed by: its effects, and its announcement if status, phase or attempt changed.
    pub(super) fn events(&self, effects: &[Effect]) -> serde_json::Result<Vec<OutboxEntry>> {
        let mut entries = self.effects(effects)?;
        let position = |task: &Task| (task.status, task.phase, task.attempt);
        if position(self.before) != position(self.after) {
            entries.push(self.entry(self.status_changed().into())?);
        }
        Ok(entries)
    }

    /// The effects alone.
    pub(super) fn effects(&self, effects: &[Effect]) -> serde_json::Result<Vec<OutboxEntry>> {
        let event = |effect: &Effect| match effect {
            Effect::RequestRouting => self.entry(self.task_created().into()),
            Effect::AnnounceCancelled => self.entry(self.task_cancelled().into()),
        };
        effects.iter().map(event).collect()
    }

    /// What webhooks are told, if the status changed.
    pub(super) fn announcement(&self) -> serde_json::Result<Option<Announcement>> {
        let changed = self.before.status != self.after.status;
        changed.then(|| Announcement::of(&self.status_changed())).transpose()
    }

    fn entry(&self, data: EventData) -> serde_json::Result<OutboxEntry> {
        let trace_id = self.after.submission.trace_id;
        let mut event = Event::new(SOURCE, self.now, data).in_trace(trace_id);
        event.causation_id = self.cause.event_id;
        let mut entry = OutboxEntry::from_event(&event)?;
        // The current span is the batch's; what follows from one event or request belongs under that one's span.
        let own = self.cause.traceparent.as_ref().filter(|header| is_of(header, trace_id));
        if own.is_some() {
            entry.message.traceparent = own.cloned();
        }
        Ok(entry)
    }

    fn task_created(&self) -> TaskCreated {
        let task = self.after;
        let submission = &task.submission;
        TaskCreated {
            task_id: submission.id,
            project_id: submission.project_id.clone(),
            description: submission.description.clone(),
            attempt: task.attempt,
            priority: submission.priority,
            options: submission.options.clone(),
            mode: submission.execution_mode,
            inputs: with_inherited(&submission.inputs, self.inherited),
            feedback: task.feedback.clone(),
            parent_id: submission.parent_id,
            work_type: submission.work_type.clone(),
            parameters: submission.parameters.clone(),
            constitution: submission.constitution.clone(),
            minimum_tier: task.minimum_tier.clone(),
            paused_tiers: if task.is_for_agent() { Vec::new() } else { self.paused_tiers.to_vec() },
            request_id: task.request_id,
            deadline_at: task.deadline_at.map(Into::into),
            created_at: submission.created_at.into(),
        }
    }

    fn task_cancelled(&self) -> TaskCancelled {
        let reason = match self.input {
            Input::Cancel { reason } | Input::Reopen { reason } => reason.clone(),
            _ => String::new(),
        };
        TaskCancelled {
            task_id: self.after.submission.id,
            reason,
            attempt: Some(self.before.attempt),
            work_type: self.after.submission.work_type.clone(),
        }
    }

    fn status_changed(&self) -> TaskStatusChanged {
        let after = self.after;
        TaskStatusChanged {
            task_id: after.submission.id,
            project_id: after.submission.project_id.clone(),
            tier: after.tier.clone(),
            domain: after.domain.clone(),
            trace_id: after.submission.trace_id,
            status: after.status,
            previous_status: self.before.status,
            phase: after.phase,
            attempt: after.attempt,
            request_id: announced_request(after),
            sequence: after.sequence,
            error: after.failure(),
            at: self.now.into(),
        }
    }
}

/// The hand-over of the task's attempt, where it may be told. Before an attempt is released, the task still has the id
/// of the attempt before it.
fn announced_request(task: &Task) -> Option<RequestId> {
    let is_released = matches!(task.phase, Phase::Routing | Phase::Ready | Phase::Executing);
    (task.is_for_agent() && is_released).then_some(task.request_id)
}

fn is_of(header: &str, trace_id: TraceId) -> bool {
    TraceParent::parse(header).is_some_and(|parent| parent.trace_id == trace_id)
}
