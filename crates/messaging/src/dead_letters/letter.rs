//! A dead letter: what it says, and what our own consumers or the broker have written on it.

use amqprs::channel::GetMessage;
use amqprs::{BasicProperties, FieldValue};
use chrono::{DateTime, SecondsFormat, Utc};
use protocol::{Incoming, WireMessage};
use uuid::Uuid;

use super::Home;
use crate::delivery::header;
use crate::message::{Headers, Outgoing, Properties, TRACEPARENT, WRITTEN_BY_THE_BROKER};

/// Namespace of the ids of messages that have none of their own.
const NAMELESS: Uuid = Uuid::from_u128(0x9d2f_64a1_51c8_5c0e_9c1b_1f0b_7a52_e3d4);

/// A message that nobody could handle.
#[derive(Debug)]
pub struct DeadLetter {
    /// Its `message_id`; one made of its content where it has none.
    pub id: String,
    /// Exchange it was published to, before anything else became of it.
    pub exchange: String,
    /// Key it was published with.
    pub routing_key: String,
    /// AMQP `type`.
    pub event_type: Option<String>,
    /// Why it is dead, in our consumer's words or the broker's.
    pub reason: Option<String>,
    /// How often its handling failed, as far as that was counted.
    pub failures: u32,
    /// When it failed first, or died.
    pub since: Option<DateTime<Utc>>,
    /// The body.
    pub body: Vec<u8>,
    /// How often it was taken and put back.
    pub(super) returns: i64,
    pub(super) tag: u64,
    died_in: Option<String>,
    original: BasicProperties,
}

impl DeadLetter {
    pub(super) fn read((got, properties, body): GetMessage) -> Self {
        let headers = Headers::from_table(properties.headers());
        let death = headers.first_death();
        let or_delivered = |name: &str, died: Option<String>, delivered: &String| {
            headers.text(name).map(ToOwned::to_owned).or(died).unwrap_or_else(|| delivered.clone())
        };
        let exchange = or_delivered(header::ORIGINAL_EXCHANGE, death.exchange, got.exchange());
        let routing_key = or_delivered(header::ORIGINAL_ROUTING_KEY, death.routing_key, got.routing_key());
        let failures = headers.number(header::FAILURES).unwrap_or_default();
        let failed_at = headers.text(header::FIRST_FAILED_AT);
        let failed_at = failed_at.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let nameless =
            || Uuid::new_v5(&NAMELESS, &[routing_key.as_bytes(), b"\0", &body].concat()).to_string();
        Self {
            id: properties.message_id().filter(|id| !id.is_empty()).cloned().unwrap_or_else(nameless),
            event_type: properties.message_type().cloned(),
            reason: headers.text(header::REASON).map(ToOwned::to_owned).or(death.reason),
            failures: u32::try_from(failures).unwrap_or_default(),
            since: failed_at.map(|time| time.to_utc()).or(death.time),
            returns: headers.number("x-delivery-count").unwrap_or_default(),
            tag: got.delivery_tag(),
            died_in: death.queue,
            exchange,
            routing_key,
            body,
            original: properties,
        }
    }

    /// The message as the protocol's reader wants it.
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming {
            routing_key: &self.routing_key,
            message_id: self.original.message_id().map(String::as_str),
            event_type: self.event_type.as_deref(),
            traceparent: None,
            body: &self.body,
        }
    }

    /// The message as it goes back to where it belongs, fresh: its failures are forgotten. `None` if nobody knows
    /// where that is.
    pub(super) fn revived(&self, home: &Home) -> Option<Outgoing> {
        let mut headers = self.headers();
        for name in [header::FAILURES, header::FIRST_FAILED_AT, header::REASON] {
            headers.remove(name);
        }
        let queue = match home {
            Home::Queue(queue) => queue.clone(),
            Home::WhereItDied => self.died_in.clone()?,
            Home::Exchange => {
                headers.remove(header::ORIGINAL_EXCHANGE);
                headers.remove(header::ORIGINAL_ROUTING_KEY);
                return Some(self.copy(&self.exchange, &self.routing_key, headers));
            }
        };
        Some(self.copy("", &queue, headers))
    }

    /// The same dead letter once more, for the end of its queue.
    pub(super) fn renewed(&self, queue: &str) -> Outgoing {
        let mut headers = self.headers();
        if let Some(reason) = &self.reason {
            headers.set_text(header::REASON, reason);
        }
        if let Some(since) = self.since {
            headers.set_text(header::FIRST_FAILED_AT, &since.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
        if let Some(queue) = &self.died_in {
            headers.set_text(header::DIED_IN, queue);
        }
        self.copy("", queue, headers)
    }

    fn headers(&self) -> Headers {
        let mut headers = Headers::from_table(self.original.headers());
        WRITTEN_BY_THE_BROKER.iter().for_each(|name| headers.remove(name));
        headers.set_text(header::ORIGINAL_EXCHANGE, &self.exchange);
        headers.set_text(header::ORIGINAL_ROUTING_KEY, &self.routing_key);
        headers
    }

    fn copy(&self, exchange: &str, routing_key: &str, headers: Headers) -> Outgoing {
        let original = &self.original;
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        Outgoing {
            message: WireMessage {
                exchange: exchange.to_owned(),
                routing_key: routing_key.to_owned(),
                message_id: text(original.message_id()),
                event_type: text(original.message_type()),
                content_type: text(original.content_type()),
                correlation_id: original.correlation_id().cloned(),
                traceparent: headers.text(TRACEPARENT).map(ToOwned::to_owned),
                timestamp: original.timestamp().unwrap_or_default(),
                body: self.body.clone(),
            },
            properties: Properties {
                priority: original.priority(),
                reply_to: original.reply_to().cloned(),
                content_encoding: original.content_encoding().cloned(),
                headers,
                ..Properties::default()
            },
        }
    }
}

/// What the broker wrote on a message when it died, or we on its copy.
#[derive(Default)]
struct Death {
    queue: Option<String>,
    exchange: Option<String>,
    routing_key: Option<String>,
    reason: Option<String>,
    time: Option<DateTime<Utc>>,
}

impl Headers {
    /// The oldest death that is written on the message: the broker lists the newest first.
    fn first_death(&self) -> Death {
        let written = self.text(header::DIED_IN).map(ToOwned::to_owned);
        let deaths = match self.value("x-death") {
            Some(FieldValue::A(deaths)) => Vec::from(deaths.clone()),
            _ => Vec::new(),
        };
        let Some(FieldValue::F(death)) = deaths.into_iter().next_back() else {
            return Death { queue: written, ..Death::default() };
        };
        let death = Self::from_table(Some(&death));
        let keys = match death.value("routing-keys") {
            Some(FieldValue::A(keys)) => Vec::from(keys.clone()),
            _ => Vec::new(),
        };
        let key = keys.into_iter().find_map(|key| match key {
            FieldValue::S(key) => Some(key.as_ref().clone()),
            _ => None,
        });
        let text = |name: &str| death.text(name).map(ToOwned::to_owned);
        let time = match death.value("time") {
            Some(FieldValue::T(time)) => {
                i64::try_from(*time).ok().and_then(|time| DateTime::from_timestamp(time, 0))
            }
            _ => None,
        };
        Death {
            queue: written.or_else(|| text("queue")),
            exchange: text("exchange"),
            routing_key: key,
            reason: text("reason"),
            time,
        }
    }
}
