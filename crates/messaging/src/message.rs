//! A message on its way out: what the protocol decided, plus the AMQP properties that only some lanes use.

mod headers;

pub use headers::Headers;
pub(crate) use headers::TRACEPARENT;

use std::time::Duration;

use amqprs::BasicProperties;
use amqprs::channel::BasicPublishArguments;
use protocol::WireMessage;

use crate::publisher::PublishError;

/// What the broker wrote about an earlier dead-lettering. Sent back to it, it would take the copy for a message that
/// goes in circles and drop it.
pub(crate) const WRITTEN_BY_THE_BROKER: [&str; 8] = [
    "x-death",
    "x-delivery-count",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
];

const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;
/// Longest text that AMQP carries as a short string; amqprs panics on a longer one.
const SHORT_STRING: usize = 255;
/// What a message costs in memory beside its body, roughly.
const OVERHEAD: usize = 512;

/// A message with its properties. An empty text or a zero timestamp in `message` is left out of what is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Address, identity and body.
    pub message: WireMessage,
    /// The rest.
    pub properties: Properties,
}

/// Properties that an event does not need; the default is a persistent message without any of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties {
    /// Lost when the broker restarts; cheaper.
    pub transient: bool,
    /// The broker drops it without a word when no queue is bound for it.
    pub optional: bool,
    /// For queues with `x-max-priority`.
    pub priority: Option<u8>,
    /// The broker drops it when it waited this long.
    pub expiration: Option<Duration>,
    /// Queue to answer to.
    pub reply_to: Option<String>,
    /// How the body is compressed.
    pub content_encoding: Option<String>,
    /// Headers beside `traceparent`.
    pub headers: Headers,
}

impl From<WireMessage> for Outgoing {
    fn from(message: WireMessage) -> Self {
        Self { message, properties: Properties::default() }
    }
}

impl Outgoing {
    /// # Errors
    /// Names the first property that AMQP cannot carry.
    pub(crate) fn check(&self) -> Result<(), PublishError> {
        check(&self.message)?;
        within_limit("reply_to", self.properties.reply_to.as_ref())?;
        within_limit("content_encoding", self.properties.content_encoding.as_ref())
    }

    /// What keeping it costs, in bytes.
    pub(crate) fn weight(&self) -> usize {
        OVERHEAD.saturating_add(self.message.body.len())
    }

    /// What amqprs wants to know of where it goes. Mandatory unless it says that it is not: nothing else goes
    /// nowhere unnoticed.
    pub(crate) fn arguments(&self) -> BasicPublishArguments {
        let mut arguments = BasicPublishArguments::new(&self.message.exchange, &self.message.routing_key);
        arguments.mandatory(!self.properties.optional);
        arguments
    }

    /// Needs [`Outgoing::check`] to have passed.
    pub(crate) fn basic_properties(&self) -> BasicProperties {
        let Self { message, properties } = self;
        let mut basic = BasicProperties::default();
        basic.with_delivery_mode(if properties.transient { TRANSIENT } else { PERSISTENT });
        if !message.message_id.is_empty() {
            basic.with_message_id(&message.message_id);
        }
        if !message.event_type.is_empty() {
            basic.with_message_type(&message.event_type);
        }
        if !message.content_type.is_empty() {
            basic.with_content_type(&message.content_type);
        }
        if message.timestamp > 0 {
            basic.with_timestamp(message.timestamp);
        }
        if let Some(correlation_id) = &message.correlation_id {
            basic.with_correlation_id(correlation_id);
        }
        if let Some(priority) = properties.priority {
            basic.with_priority(priority);
        }
        if let Some(expiration) = properties.expiration {
            basic.with_expiration(&expiration.as_millis().to_string());
        }
        if let Some(reply_to) = &properties.reply_to {
            basic.with_reply_to(reply_to);
        }
        if let Some(content_encoding) = &properties.content_encoding {
            basic.with_content_encoding(content_encoding);
        }
        let headers = self.headers();
        if !headers.is_empty() {
            basic.with_headers(headers.into_table());
        }
        basic
    }

    fn headers(&self) -> Headers {
        let mut headers = self.properties.headers.clone();
        if let Some(traceparent) = &self.message.traceparent {
            headers.set_text(TRACEPARENT, traceparent);
        }
        headers
    }
}

/// # Errors
/// Names the first property that AMQP cannot carry.
pub(crate) fn check(message: &WireMessage) -> Result<(), PublishError> {
    within_limit("exchange", Some(&message.exchange))?;
    within_limit("routing_key", Some(&message.routing_key))?;
    within_limit("message_id", Some(&message.message_id))?;
    within_limit("type", Some(&message.event_type))?;
    within_limit("content_type", Some(&message.content_type))?;
    within_limit("correlation_id", message.correlation_id.as_ref())
}

fn within_limit(name: &'static str, value: Option<&String>) -> Result<(), PublishError> {
    match value {
        Some(value) if value.len() > SHORT_STRING => Err(PublishError::TooLong(name)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> WireMessage {
        WireMessage {
            exchange: String::new(),
            routing_key: "work_queue".to_owned(),
            message_id: "m".to_owned(),
            event_type: String::new(),
            content_type: String::new(),
            correlation_id: None,
            traceparent: Some("00-1-2-01".to_owned()),
            timestamp: 0,
            body: Vec::new(),
        }
    }

    #[test]
    fn the_default_is_persistent_and_empty_members_are_left_out() {
        let basic = Outgoing::from(message()).basic_properties();
        assert_eq!(basic.delivery_mode(), Some(2));
        assert_eq!(basic.message_id().map(String::as_str), Some("m"));
        assert!(basic.content_type().is_none() && basic.message_type().is_none());
        assert!(basic.timestamp().is_none() && basic.priority().is_none() && basic.expiration().is_none());
    }

    #[test]
    fn a_lane_can_ask_for_priority_and_transience() {
        let properties = Properties {
            transient: true,
            priority: Some(4),
            expiration: Some(Duration::from_millis(1500)),
            ..Properties::default()
        };
        let basic = Outgoing { message: message(), properties }.basic_properties();
        assert_eq!((basic.delivery_mode(), basic.priority()), (Some(1), Some(4)));
        assert_eq!(basic.expiration().map(String::as_str), Some("1500"));
    }

    #[test]
    fn what_amqp_cannot_carry_is_refused_before_it_reaches_the_wire() {
        let mut outgoing = Outgoing::from(message());
        outgoing.message.routing_key = "k".repeat(256);
        assert_eq!(outgoing.check(), Err(PublishError::TooLong("routing_key")));
    }
}
