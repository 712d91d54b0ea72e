//! The tolerant reader: CloudEvents documents, and bare data where the message itself says which event it is.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use uuid::Uuid;

use super::Event;
use crate::events::EventKind;
use crate::ids::{EventId, TaskId, TraceId};
use crate::timestamp::Timestamp;
use crate::trace_context::TraceParent;

/// A message as it came from the broker, borrowed from its delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct Incoming<'a> {
    /// The key it was published with.
    pub routing_key: &'a str,
    /// AMQP `message_id`.
    pub message_id: Option<&'a str>,
    /// AMQP `type`.
    pub event_type: Option<&'a str>,
    /// AMQP header `traceparent`.
    pub traceparent: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Why a message is not an event of ours. Its text goes into the dead letter's headers.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body is not a JSON object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(#[source] serde_json::Error),
    /// Neither envelope nor `type` nor routing key names an event of the catalogue.
    #[error("unknown event {0:?}")]
    UnknownEvent(String),
    /// The envelope has no data.
    #[error("{0} without data")]
    NoData(&'static str),
    /// The data does not fit the event.
    #[error("data of {event} not understood: {source}")]
    InvalidData {
        /// Which event.
        event: &'static str,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// Every member that the reader looks at; all optional, so that a bare data object fits as well.
#[derive(Deserialize)]
struct EnvelopeIn<'a> {
    #[serde(borrow, default)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traceid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    correlationid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    causationid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl Event {
    /// Reads a message. `received_at` stands in for the time of a message that tells none.
    ///
    /// # Errors
    /// Says what about the message is not understood; such a message belongs in the dead-letter queue.
    pub fn decode(message: Incoming<'_>, received_at: Timestamp) -> Result<Self, DecodeError> {
        let body = std::str::from_utf8(message.body).map_err(|_| DecodeError::NotUtf8)?;
        let envelope: Option<EnvelopeIn<'_>> = match serde_json::from_str(body) {
            Ok(envelope) => Some(envelope),
            // A bare object may hold a member of an envelope's name with a value that does not fit it.
            Err(error) if error.is_data() && body.trim_start().starts_with('{') => None,
            Err(error) => return Err(DecodeError::NotAnObject(error)),
        };
        match envelope {
            Some(envelope) if envelope.specversion.is_some() => {
                Self::from_envelope(message, &envelope, received_at)
            }
            _ => Self::from_bare_data(message, body, received_at),
        }
    }

    fn from_envelope(
        message: Incoming<'_>,
        envelope: &EnvelopeIn<'_>,
        received_at: Timestamp,
    ) -> Result<Self, DecodeError> {
        let source = text(envelope.source).unwrap_or_default();
        let id = match text(envelope.id) {
            Some(id) => parse_or_hash(&id, source.as_bytes()),
            None => message.fallback_id(),
        };
        let kind = match text(envelope.event_type) {
            Some(name) => {
                EventKind::from_name(&name).ok_or_else(|| DecodeError::UnknownEvent(name.into_owned()))?
            }
            None => message.kind()?,
        };
        let data = envelope.data.ok_or(DecodeError::NoData(kind.name()))?;
        let uuid = |value: Option<&RawValue>| text(value).and_then(|text| Uuid::parse_str(&text).ok());
        let mut event = Self::assemble(message, kind, id, data.get(), received_at)?;
        event.source = source.into_owned();
        event.time = text(envelope.time).and_then(|time| time.parse().ok()).unwrap_or(received_at);
        event.trace_id = uuid(envelope.traceid).map(TraceId).or(event.trace_id);
        event.correlation_id = uuid(envelope.correlationid).map(TaskId).or(event.correlation_id);
        event.causation_id = uuid(envelope.causationid).map(EventId);
        Ok(event)
    }

    fn from_bare_data(
        message: Incoming<'_>,
        body: &str,
        received_at: Timestamp,
    ) -> Result<Self, DecodeError> {
        Self::assemble(message, message.kind()?, message.fallback_id(), body, received_at)
    }

    fn assemble(
        message: Incoming<'_>,
        kind: EventKind,
        id: EventId,
        data: &str,
        received_at: Timestamp,
    ) -> Result<Self, DecodeError> {
        let data =
            kind.read(data).map_err(|source| DecodeError::InvalidData { event: kind.name(), source })?;
        Ok(Self {
            id,
            source: String::new(),
            time: received_at,
            trace_id: message.traceparent.and_then(TraceParent::parse).map(|parent| parent.trace_id),
            correlation_id: data.task_id(),
            causation_id: None,
            data,
        })
    }
}

impl Incoming<'_> {
    fn kind(&self) -> Result<EventKind, DecodeError> {
        self.event_type
            .and_then(EventKind::from_name)
            .or_else(|| EventKind::from_name(self.routing_key))
            .ok_or_else(|| DecodeError::UnknownEvent(self.event_type.unwrap_or(self.routing_key).to_owned()))
    }

    /// The id of a message whose body names none: its `message_id`, else a hash of body and key.
    fn fallback_id(&self) -> EventId {
        match self.message_id {
            Some(id) if !id.is_empty() => parse_or_hash(id, b""),
            _ => EventId::of_content(&[self.routing_key.as_bytes(), self.body]),
        }
    }
}

/// CloudEvents ids are any text, unique within their source.
fn parse_or_hash(id: &str, source: &[u8]) -> EventId {
    Uuid::parse_str(id).map_or_else(|_| EventId::of_content(&[source, id.as_bytes()]), EventId)
}

/// The text of a JSON string; `None` for any other value.
fn text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    value.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{EventData, TaskStarted};

    const TASK: &str = "0197a000-0000-7000-8000-000000000001";

    fn now() -> Timestamp {
        "2026-11-21T02:00:00Z".parse().unwrap()
    }

    fn started() -> EventData {
        TaskStarted {
            task_id: TASK.parse().unwrap(),
            attempt: Some(2),
            worker_id: Some("w".to_owned()),
            agent_id: None,
            request_id: None,
            message: None,
        }
        .into()
    }

    #[test]
    fn what_we_write_we_read() {
        let cause =
            Event::new("/orchestration/api-gateway", now().to_utc(), started()).in_trace(TraceId::generate());
        let event = Event::following(&cause, "", "/orchestration/routing-engine", now().to_utc(), started());
        let wire = event.to_wire(None).unwrap();
        let incoming = Incoming {
            routing_key: &wire.routing_key,
            message_id: Some(&wire.message_id),
            event_type: Some(&wire.event_type),
            traceparent: None,
            body: &wire.body,
        };
        assert_eq!(Event::decode(incoming, now()).unwrap(), event);
    }

    #[test]
    fn bare_data_is_named_by_type_or_routing_key_and_gets_a_stable_id() {
        let body = format!(r#"{{"task_id":"{TASK}","attempt":2,"worker_id":"w","extra":[1]}}"#);
        let by_key = Incoming { routing_key: "task.started", body: body.as_bytes(), ..Incoming::default() };
        let event = Event::decode(by_key, now()).unwrap();
        assert_eq!(event.data, started());
        assert_eq!(event.id, Event::decode(by_key, now()).unwrap().id);
        let by_type = Incoming { routing_key: "x", event_type: Some("dats.task.started"), ..by_key };
        assert_eq!(Event::decode(by_type, now()).unwrap().data, started());
        let named = Incoming { message_id: Some(TASK), ..by_key };
        assert_eq!(Event::decode(named, now()).unwrap().id.to_string(), TASK);
    }

    #[test]
    fn a_member_called_type_or_data_in_bare_data_does_not_confuse_the_reader() {
        let body = format!(
            r#"{{"task_id":"{TASK}","attempt":2,"worker_id":"w","type":7,"data":{{}},"specversion":null}}"#
        );
        let message = Incoming { routing_key: "task.started", body: body.as_bytes(), ..Incoming::default() };
        assert_eq!(Event::decode(message, now()).unwrap().data, started());
        let body = format!(r#"{{"task_id":"{TASK}","attempt":2,"worker_id":"w","specversion":1}}"#);
        let message = Incoming { routing_key: "task.started", body: body.as_bytes(), ..Incoming::default() };
        assert_eq!(Event::decode(message, now()).unwrap().data, started());
    }

    #[test]
    fn every_malformed_message_says_what_is_wrong() {
        let read = |key, body: &[u8]| {
            Event::decode(Incoming { routing_key: key, body, ..Incoming::default() }, now())
                .unwrap_err()
                .to_string()
        };
        assert!(read("task.started", b"\xff").contains("UTF-8"));
        assert!(read("task.started", b"[1]").contains("not a JSON object"));
        assert!(read("task.started", b"{").contains("not a JSON object"));
        assert!(read("task.nonsense", b"{}").contains("unknown event \"task.nonsense\""));
        assert!(read("task.started", b"{}").contains("task_id"));
        assert!(
            read("task.started", br#"{"specversion":"1.0","type":"dats.task.started"}"#)
                .contains("without data")
        );
        assert!(
            read("task.started", br#"{"specversion":"1.0","type":"dats.nope","data":{}}"#)
                .contains("dats.nope")
        );
    }
}
