//! CloudEvents 1.0 in structured mode, written strictly and read tolerantly (contract 2).
//! Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

mod read;

pub use read::{DecodeError, Incoming};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::events::{EventData, Exchange};
use crate::ids::{EventId, TaskId, TraceId};
use crate::timestamp::Timestamp;

/// Content type of everything we publish.
pub const CLOUDEVENTS_CONTENT_TYPE: &str = "application/cloudevents+json";

/// One event with what is known of where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id; a consumer applies an id once.
    pub id: EventId,
    /// Who published it: `/orchestration/<service>` for ours.
    pub source: String,
    /// When it happened.
    pub time: Timestamp,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// The task it belongs to.
    pub correlation_id: Option<TaskId>,
    /// The event that led to it.
    pub causation_id: Option<EventId>,
    /// What happened.
    pub data: EventData,
}

/// A message as it is handed to the broker: every property decided, the body final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireMessage {
    /// Where to; empty for the default exchange.
    pub exchange: String,
    /// With which key.
    pub routing_key: String,
    /// AMQP `message_id`.
    pub message_id: String,
    /// AMQP `type`.
    pub event_type: String,
    /// AMQP `content_type`.
    pub content_type: String,
    /// AMQP `correlation_id`.
    pub correlation_id: Option<String>,
    /// AMQP header `traceparent`.
    pub traceparent: Option<String>,
    /// AMQP `timestamp`, in seconds since the Unix epoch.
    pub timestamp: u64,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct EnvelopeOut<'a> {
    specversion: &'static str,
    #[serde(rename = "type")]
    event_type: &'a str,
    source: &'a str,
    id: EventId,
    time: Timestamp,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    dataschema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceid: Option<TraceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<EventId>,
    data: &'a EventData,
}

impl Event {
    /// An event that begins a chain, with a new id.
    #[must_use]
    pub fn new(source: &str, time: DateTime<Utc>, data: impl Into<EventData>) -> Self {
        let data = data.into();
        Self {
            id: EventId::generate(),
            source: source.to_owned(),
            time: time.into(),
            trace_id: None,
            correlation_id: data.task_id(),
            causation_id: None,
            data,
        }
    }

    /// An event that follows from `cause`: same trace, and an id that a replay of the cause gives again.
    /// `part` keeps apart several events of the same kind that follow from one cause; usually empty.
    #[must_use]
    pub fn following(
        cause: &Self,
        part: &str,
        source: &str,
        time: DateTime<Utc>,
        data: impl Into<EventData>,
    ) -> Self {
        let data = data.into();
        let kind = format!("{}{part}", data.derivation_name());
        Self {
            id: EventId::derived(cause.id, &kind),
            trace_id: cause.trace_id,
            causation_id: Some(cause.id),
            ..Self::new(source, time, data)
        }
    }

    /// The same event as part of a trace.
    #[must_use]
    pub fn in_trace(mut self, trace_id: TraceId) -> Self {
        self.trace_id = Some(trace_id);
        self
    }

    /// The CloudEvents document.
    ///
    /// # Errors
    /// Only if a number in the data is not a JSON number (NaN, infinity).
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let kind = self.data.kind();
        serde_json::to_vec(&EnvelopeOut {
            specversion: "1.0",
            event_type: &self.data.event_type(),
            source: &self.source,
            id: self.id,
            time: self.time,
            datacontenttype: "application/json",
            subject: self.data.subject(),
            dataschema: format!("urn:dats:schema:{}:1", kind.name()),
            traceid: self.trace_id,
            correlationid: self.correlation_id,
            causationid: self.causation_id,
            data: &self.data,
        })
    }

    /// The message that carries this event to its exchange. `traceparent` is the publishing span's.
    ///
    /// # Errors
    /// As [`Event::to_json`].
    pub fn to_wire(&self, traceparent: Option<String>) -> serde_json::Result<WireMessage> {
        Ok(WireMessage {
            exchange: self.exchange().name().to_owned(),
            routing_key: self.data.routing_key(),
            message_id: self.id.to_string(),
            event_type: self.data.event_type(),
            content_type: CLOUDEVENTS_CONTENT_TYPE.to_owned(),
            correlation_id: self.correlation_id.map(|id| id.to_string()),
            traceparent,
            timestamp: u64::try_from(self.time.timestamp()).unwrap_or_default(),
            body: self.to_json()?,
        })
    }

    /// The exchange it is published to.
    #[must_use]
    pub const fn exchange(&self) -> Exchange {
        self.data.kind().exchange()
    }
}

impl EventData {
    /// CloudEvents `type`: one for every tier of `task.ready`, one per status of `task.status`.
    #[must_use]
    pub fn event_type(&self) -> String {
        match self {
            Self::TaskStatusChanged(_) => format!("dats.{}", self.routing_key()),
            other => format!("dats.{}", other.kind().name()),
        }
    }

    /// What tells it from other events that follow from the same cause. A replay may choose another tier; its
    /// answer must have the first one's id all the same.
    fn derivation_name(&self) -> String {
        match self {
            Self::TaskReady(_) => self.kind().name().to_owned(),
            other => other.routing_key(),
        }
    }

    /// The task it is about, if it is about one.
    #[must_use]
    pub const fn task_id(&self) -> Option<TaskId> {
        Some(match self {
            Self::TaskCreated(data) => data.task_id,
            Self::TaskReady(data) => data.task_id,
            Self::TaskDecomposed(data) => data.task_id,
            Self::TaskRoutingFailed(data) => data.task_id,
            Self::TaskDispatched(data) => data.task_id,
            Self::TaskStarted(data) => data.task_id,
            Self::TaskProgress(data) => data.task_id,
            Self::TaskOutputCreated(data) => data.task_id,
            Self::TaskCompleted(data) => data.task_id,
            Self::TaskValidated(data) => data.task_id,
            Self::TaskRejected(data) => data.task_id,
            Self::TaskFailed(data) => data.task_id,
            Self::TaskCancelled(data) => data.task_id,
            Self::TaskStatusChanged(data) => data.task_id,
            Self::ProvenanceRecorded(data) => data.task_id,
            Self::ReviewRequested(data) => data.task_id,
            Self::ReviewCompleted(data) => data.task_id,
            Self::AgentHeartbeat(_)
            | Self::AgentOffline(_)
            | Self::CascadeStarted(_)
            | Self::CascadeCompleted(_)
            | Self::ArtifactTainted(_)
            | Self::ArtifactSuspect(_)
            | Self::ArtifactCleared(_)
            | Self::ArtifactStanding(_)
            | Self::CheckpointRequested(_)
            | Self::CheckpointCreated(_)
            | Self::RollbackRequested(_)
            | Self::RollbackCompleted(_) => return None,
        })
    }

    /// CloudEvents `subject`: the task, else the artifact, agent or checkpoint.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::AgentHeartbeat(data) => Some(data.agent_id.to_string()),
            Self::AgentOffline(data) => Some(data.agent_id.to_string()),
            Self::CascadeStarted(data) => Some(data.artifact_id.to_string()),
            Self::CascadeCompleted(data) => Some(data.cascade_id.clone()),
            Self::ArtifactTainted(data) => data.artifacts().first().map(ToString::to_string),
            Self::ArtifactSuspect(data) => data.artifacts().first().map(ToString::to_string),
            Self::ArtifactCleared(data) => data.artifacts().first().map(ToString::to_string),
            Self::ArtifactStanding(data) => {
                data.tainted.iter().chain(&data.untainted).next().map(ToString::to_string)
            }
            Self::CheckpointRequested(data) => Some(data.project_id.to_string()),
            Self::CheckpointCreated(data) => Some(data.checkpoint_id.to_string()),
            Self::RollbackRequested(data) => Some(data.checkpoint_id.to_string()),
            Self::RollbackCompleted(data) => Some(data.rollback_id.to_string()),
            about_a_task => about_a_task.task_id().map(|id| id.to_string()),
        }
    }
}
