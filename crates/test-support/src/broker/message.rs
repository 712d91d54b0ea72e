//! A message as an outsider sees it, without the types of any AMQP library.

use std::collections::BTreeMap;

use amqprs::{BasicProperties, FieldTable, FieldValue, GetOk};
use serde_json::Value;

/// A message, to publish or as it was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The exchange; empty for the default exchange.
    pub exchange: String,
    /// The routing key.
    pub routing_key: String,
    /// The body.
    pub body: Vec<u8>,
    /// Property `content_type`.
    pub content_type: Option<String>,
    /// Property `message_id`.
    pub message_id: Option<String>,
    /// Property `type`.
    pub message_type: Option<String>,
    /// Property `correlation_id`.
    pub correlation_id: Option<String>,
    /// Property `reply_to`.
    pub reply_to: Option<String>,
    /// Property `priority`.
    pub priority: Option<u8>,
    /// Property `expiration`, milliseconds as text.
    pub expiration: Option<String>,
    /// Property `timestamp`, seconds since 1970.
    pub timestamp: Option<u64>,
    /// Whether property `delivery_mode` is 2. Messages made with [`Message::new`] are.
    pub persistent: bool,
    /// Headers; values that are not text are shown as text.
    pub headers: BTreeMap<String, String>,
    /// Whether the broker has delivered it before.
    pub redelivered: bool,
}

impl Message {
    /// A persistent message without further properties.
    pub fn new(exchange: &str, routing_key: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            body: body.into(),
            persistent: true,
            ..Self::default()
        }
    }

    /// A persistent message with a JSON body and its content type.
    #[must_use]
    pub fn json(exchange: &str, routing_key: &str, body: &Value) -> Self {
        Self {
            content_type: Some("application/json".to_owned()),
            ..Self::new(exchange, routing_key, body.to_string())
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn body_json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", String::from_utf8_lossy(&self.body)))
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn properties(&self) -> BasicProperties {
        let mut properties = BasicProperties::default();
        properties.with_persistence(self.persistent);
        if let Some(content_type) = &self.content_type {
            properties.with_content_type(content_type);
        }
        if let Some(message_id) = &self.message_id {
            properties.with_message_id(message_id);
        }
        if let Some(message_type) = &self.message_type {
            properties.with_message_type(message_type);
        }
        if let Some(correlation_id) = &self.correlation_id {
            properties.with_correlation_id(correlation_id);
        }
        if let Some(reply_to) = &self.reply_to {
            properties.with_reply_to(reply_to);
        }
        if let Some(priority) = self.priority {
            properties.with_priority(priority);
        }
        if let Some(expiration) = &self.expiration {
            properties.with_expiration(expiration);
        }
        if let Some(timestamp) = self.timestamp {
            properties.with_timestamp(timestamp);
        }
        if !self.headers.is_empty() {
            let mut table = FieldTable::new();
            for (name, value) in &self.headers {
                table.insert(short(name), FieldValue::S(value.clone().try_into().expect("a header value")));
            }
            properties.with_headers(table);
        }
        properties.finish()
    }
}

impl From<(GetOk, BasicProperties, Vec<u8>)> for Message {
    fn from((got, properties, body): (GetOk, BasicProperties, Vec<u8>)) -> Self {
        let headers = properties.headers().map(|table| {
            let table: &std::collections::HashMap<_, _> = table.as_ref();
            table.iter().map(|(name, value)| (name.to_string(), text_of(value))).collect()
        });
        Self {
            exchange: got.exchange().clone(),
            routing_key: got.routing_key().clone(),
            redelivered: got.redelivered(),
            content_type: properties.content_type().cloned(),
            message_id: properties.message_id().cloned(),
            message_type: properties.message_type().cloned(),
            correlation_id: properties.correlation_id().cloned(),
            reply_to: properties.reply_to().cloned(),
            priority: properties.priority(),
            expiration: properties.expiration().cloned(),
            timestamp: properties.timestamp(),
            persistent: properties.delivery_mode() == Some(amqprs::DELIVERY_MODE_PERSISTENT),
            headers: headers.unwrap_or_default(),
            body,
        }
    }
}

fn text_of(value: &FieldValue) -> String {
    match value {
        FieldValue::S(text) => text.as_ref().clone(),
        FieldValue::t(flag) => flag.to_string(),
        FieldValue::b(number) => number.to_string(),
        FieldValue::B(number) => number.to_string(),
        FieldValue::s(number) => number.to_string(),
        FieldValue::u(number) => number.to_string(),
        FieldValue::I(number) => number.to_string(),
        FieldValue::i(number) => number.to_string(),
        FieldValue::l(number) => number.to_string(),
        FieldValue::T(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Queue arguments from a JSON object.
pub(super) fn arguments_table(arguments: &Value) -> FieldTable {
    let mut table = FieldTable::new();
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => FieldValue::S(text.clone().try_into().expect("an argument's text")),
            Value::Bool(flag) => FieldValue::t(*flag),
            Value::Number(number) => FieldValue::l(number.as_i64().expect("an integer argument")),
            other => panic!("argument {name} cannot be {other}"),
        };
        table.insert(short(name), value);
    }
    table
}

fn short(name: &str) -> amqprs::FieldName {
    name.to_owned().try_into().expect("a name of at most 255 bytes")
}
