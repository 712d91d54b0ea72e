//! Reads members of a file's JSON. Where an object, a list, a time or a word is wanted and something else stands, the
//! file cannot be read; a wrong number or text is read as well as it can be, and the repair is noted.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use protocol::Timestamp;
use protocol::events::JsonObject;
use serde_json::Value;
use thiserror::Error;

use super::iso_time;
use crate::records::translation::text::without_nul;

/// Most characters that a name or a reason keeps in its column.
const MAX_CHARS: usize = 2_000;

/// Why a file cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub(super) String);

/// What was read otherwise than it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Repairs(Vec<String>);

impl Repairs {
    /// Notes a repair.
    pub(super) fn note(&mut self, repair: impl Into<String>) {
        self.0.push(repair.into());
    }

    /// All repairs in one sentence; `None` when there were none.
    pub(super) fn told(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

/// An object of a file, and where it stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    object: Option<&'a JsonObject>,
    place: &'a str,
}

impl<'a> Members<'a> {
    /// The members of `object`. `place` is the path to it, with a dot at its end; empty for the whole file.
    pub(super) const fn new(object: &'a JsonObject, place: &'a str) -> Self {
        Self { object: Some(object), place }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object?.get(name)
    }

    fn unreadable(&self, name: &str, rule: &str) -> Unreadable {
        Unreadable(format!("{}{name}: {rule}", self.place))
    }

    /// The members of an object within this one; of none if it is missing.
    pub(super) fn object(&self, name: &str, place: &'a str) -> Result<Self, Unreadable> {
        match self.get(name) {
            None => Ok(Self { object: None, place }),
            Some(Value::Object(object)) => Ok(Self { object: Some(object), place }),
            Some(_) => Err(self.unreadable(name, "must be an object")),
        }
    }

    /// The elements of a list; none if it is missing.
    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], Unreadable> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(elements)) => Ok(elements),
            Some(_) => Err(self.unreadable(name, "must be a list")),
        }
    }

    /// A time; without a zone it is UTC.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Unreadable> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => {
                let time =
                    parse_time(text).ok_or_else(|| self.unreadable(name, "must be an ISO 8601 time"))?;
                Ok(Some(time))
            }
            Some(_) => Err(self.unreadable(name, "must be an ISO 8601 time")),
        }
    }

    /// A word of a vocabulary; `None` if it is missing or empty.
    pub(super) fn word(&self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(word)) => Ok(Some(word.as_str()).filter(|word| !word.is_empty())),
            Some(_) => Err(self.unreadable(name, "must be text")),
        }
    }

    /// A name or sentence; `None` if it is missing or empty.
    pub(super) fn text(&self, name: &str, repairs: &mut Repairs) -> Option<String> {
        let text = match self.get(name)? {
            Value::Null => return None,
            Value::String(text) => without_nul(text),
            Value::Number(number) => {
                repairs.note(format!("{}{name}: a number, read as text", self.place));
                number.to_string()
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                repairs.note(format!("{}{name}: not text, left out", self.place));
                return None;
            }
        };
        if text.chars().count() <= MAX_CHARS {
            return Some(text).filter(|text| !text.is_empty());
        }
        repairs.note(format!("{}{name}: cut at {MAX_CHARS} characters", self.place));
        Some(text.chars().take(MAX_CHARS).collect())
    }

    /// A number of things; `None` if it is missing or null.
    pub(super) fn count(&self, name: &str, repairs: &mut Repairs) -> Option<u64> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        let storable = |count: &u64| i64::try_from(*count).is_ok();
        let (count, form) = match value {
            Value::Number(number) => (whole(number), "not a whole number"),
            Value::String(text) => (text.trim().parse().ok(), "a text"),
            _ => (None, "not a number"),
        };
        match count.filter(storable) {
            Some(count) => {
                if !value.is_u64() {
                    repairs.note(format!("{}{name}: {form}, read as {count}", self.place));
                }
                Some(count)
            }
            None => {
                repairs.note(format!("{}{name}: not a number, left out", self.place));
                None
            }
        }
    }

    /// A number; `None` if it is missing or null.
    pub(super) fn number(&self, name: &str, repairs: &mut Repairs) -> Option<f64> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        match number {
            Some(number) if value.is_string() => {
                repairs.note(format!("{}{name}: a text, read as {number}", self.place));
            }
            Some(_) => {}
            None => repairs.note(format!("{}{name}: not a number, left out", self.place)),
        }
        number
    }

    /// Yes or no. What is neither counts as the earlier system counted it: anything but nothing is yes, so that a
    /// mark is rather one too many than missed.
    pub(super) fn truth(&self, name: &str, repairs: &mut Repairs) -> bool {
        let truth = match self.get(name) {
            None | Some(Value::Null) => return false,
            Some(Value::Bool(truth)) => return *truth,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::Array(elements)) => !elements.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
        };
        repairs.note(format!("{}{name}: neither true nor false, read as {truth}", self.place));
        truth
    }

    /// An object as it stands; `None` if it is missing or something else.
    pub(super) fn plain_object(&self, name: &str) -> Option<&'a JsonObject> {
        self.get(name)?.as_object()
    }
}

fn whole(number: &serde_json::Number) -> Option<u64> {
    let rounded = || {
        let number = number.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0)?;
        // Exact up to 2^53, and nothing counts further than that in a float.
        format!("{number:.0}").parse().ok()
    };
    number.as_u64().or_else(rounded)
}

/// Every form that the earlier system reads, and numbers without leading zeros.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let minutes = || NaiveDateTime::parse_from_str(&text.replace(' ', "T"), "%Y-%m-%dT%H:%M").ok();
    let day = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
    let unpadded = || minutes().or_else(day).map(|naive| naive.and_utc().into());
    text.parse().ok().or_else(|| iso_time::parse(text)).or_else(unpadded)
}
