//! Reads members of JSON objects that others wrote: null counts as absent, ids and numbers come in several forms, and
//! what does not fit is named.

use protocol::events::JsonObject;
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

/// Why a message from an agent is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Larger than anything an agent should send.
    #[error("body of {size} bytes, more than {limit} are not read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Not JSON, or not UTF-8.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Of another version.
    #[error("protocol version {0} is not spoken here, only 1.0")]
    Version(String),
    /// Without something that it needs.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// With something of the wrong form.
    #[error("{field} is not {expected}")]
    Wrong {
        /// Which member.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A message of a type that does not belong here.
    #[error("type {0:?} is not one that agents answer with")]
    NotAReply(String),
    /// A status that is neither a heartbeat nor progress.
    #[error("work_status with neither task_id nor agent_id: neither progress nor heartbeat")]
    ShapelessStatus,
}

/// An object with its place in the message.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'a JsonObject,
}

impl<'a> Fields<'a> {
    pub(super) const fn of(object: &'a JsonObject) -> Self {
        Self { object }
    }

    /// The member, unless it is absent or null.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, name: &'static str) -> Result<Option<&'a str>, Unreadable> {
        self.read(name, "text", Value::as_str)
    }

    pub(super) fn required_text(self, name: &'static str) -> Result<&'a str, Unreadable> {
        self.text(name)?.ok_or(Unreadable::Missing(name))
    }

    pub(super) fn object(self, name: &'static str) -> Result<Option<Fields<'a>>, Unreadable> {
        Ok(self.json_object(name)?.map(Fields::of))
    }

    pub(super) fn json_object(self, name: &'static str) -> Result<Option<&'a JsonObject>, Unreadable> {
        self.read(name, "an object", Value::as_object)
    }

    /// Hyphenated or not, in either case, with or without `urn:uuid:` or braces.
    pub(super) fn uuid(self, name: &'static str) -> Result<Option<Uuid>, Unreadable> {
        self.read(name, "a UUID", |value| Uuid::try_parse(value.as_str()?.trim()).ok())
    }

    pub(super) fn required_uuid(self, name: &'static str) -> Result<Uuid, Unreadable> {
        self.uuid(name)?.ok_or(Unreadable::Missing(name))
    }

    pub(super) fn number(self, name: &'static str) -> Result<Option<f64>, Unreadable> {
        self.read(name, "a number", Value::as_f64)
    }

    /// A whole number; one with a fraction is rounded.
    pub(super) fn integer(self, name: &'static str) -> Result<Option<i64>, Unreadable> {
        self.read(name, "a number", |value| value.as_i64().or_else(|| value.as_f64().map(rounded)))
    }

    fn read<T>(
        self,
        field: &'static str,
        expected: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        let Some(value) = self.value(field) else { return Ok(None) };
        read(value).map(Some).ok_or(Unreadable::Wrong { field, expected })
    }
}

/// Beyond the range of `i64` the nearest end of it.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
fn rounded(number: f64) -> i64 {
    number.round() as i64
}
