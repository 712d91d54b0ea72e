//! A message as it arrived, with what our own retries have written into its headers put back in place: a message
//! that returns from a delay queue looks to its handler as it did the first time, plus a count of failures.

use amqprs::BasicProperties;
use amqprs::channel::ConsumerMessage;
use chrono::{DateTime, Utc};
use protocol::Incoming;

use crate::message::{Headers, TRACEPARENT};

/// Headers of messages that failed before: waiting for another try, or dead.
pub mod header {
    /// How often it failed (number).
    pub const FAILURES: &str = "x-dats-failures";
    /// When it failed first (RFC 3339).
    pub const FIRST_FAILED_AT: &str = "x-dats-first-failed-at";
    /// Why it failed last.
    pub const REASON: &str = "x-dats-reason";
    /// Exchange it was published to.
    pub const ORIGINAL_EXCHANGE: &str = "x-dats-original-exchange";
    /// Key it was published with.
    pub const ORIGINAL_ROUTING_KEY: &str = "x-dats-original-routing-key";
    /// Queue that it died in, where the broker had written that.
    pub const DIED_IN: &str = "x-dats-died-in";
}

/// One delivered message.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Exchange it was published to, before any retry.
    pub exchange: String,
    /// Key it was published with, before any retry.
    pub routing_key: String,
    /// AMQP `message_id`.
    pub message_id: Option<String>,
    /// AMQP `type`.
    pub event_type: Option<String>,
    /// AMQP `content_type`.
    pub content_type: Option<String>,
    /// AMQP header `traceparent`.
    pub traceparent: Option<String>,
    /// AMQP `correlation_id`.
    pub correlation_id: Option<String>,
    /// AMQP `reply_to`.
    pub reply_to: Option<String>,
    /// Whether the broker may have delivered it before.
    pub redelivered: bool,
    /// How often it was tried and put back for later.
    pub failures: u32,
    /// When it was put back first.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// The body.
    pub body: Vec<u8>,
    pub(crate) tag: u64,
    pub(crate) original: BasicProperties,
}

impl Delivery {
    /// `queue` is where it was taken from. `None` only if amqprs breaks its promise that all parts are there.
    pub(crate) fn read(queue: &str, message: ConsumerMessage) -> Option<Self> {
        let ConsumerMessage { deliver: Some(deliver), basic_properties: Some(properties), content, .. } =
            message
        else {
            return None;
        };
        let headers = Headers::from_table(properties.headers());
        let mut delivery = Self {
            exchange: deliver.exchange().clone(),
            routing_key: deliver.routing_key().clone(),
            message_id: properties.message_id().cloned(),
            event_type: properties.message_type().cloned(),
            content_type: properties.content_type().cloned(),
            traceparent: headers.text(TRACEPARENT).map(str::to_owned),
            correlation_id: properties.correlation_id().cloned(),
            reply_to: properties.reply_to().cloned(),
            redelivered: deliver.redelivered(),
            failures: 0,
            first_failed_at: None,
            body: content.unwrap_or_default(),
            tag: deliver.delivery_tag(),
            original: properties,
        };
        // Through the default exchange with the queue's own name: from a delay queue, or driven again by hand.
        if delivery.exchange.is_empty() && delivery.routing_key == queue {
            delivery.restore(&headers);
        }
        Some(delivery)
    }

    fn restore(&mut self, headers: &Headers) {
        if let Some(routing_key) = headers.text(header::ORIGINAL_ROUTING_KEY) {
            routing_key.clone_into(&mut self.routing_key);
        }
        if let Some(exchange) = headers.text(header::ORIGINAL_EXCHANGE) {
            exchange.clone_into(&mut self.exchange);
        }
        let failures = headers.number(header::FAILURES).unwrap_or_default();
        self.failures = u32::try_from(failures).unwrap_or_default();
        self.first_failed_at = headers
            .text(header::FIRST_FAILED_AT)
            .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            .map(|time| time.to_utc());
    }

    /// The message as the protocol's reader wants it.
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming {
            routing_key: &self.routing_key,
            message_id: self.message_id.as_deref(),
            event_type: self.event_type.as_deref(),
            traceparent: self.traceparent.as_deref(),
            body: &self.body,
        }
    }

    /// All headers, as they came.
    #[must_use]
    pub fn headers(&self) -> Headers {
        Headers::from_table(self.original.headers())
    }

    /// A name for logs: the message id, else what there is.
    pub(crate) fn label(&self) -> &str {
        self.message_id.as_deref().unwrap_or("(no message id)")
    }
}
