//! One JSON value with the path it stands at, and the kinds of value that endpoints ask for.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::Datelike;
use protocol::Timestamp;
use protocol::events::JsonObject;
use protocol::vocabulary::Tier;
use serde_json::Value;
use uuid::Uuid;

use super::json::not_an_object;
use super::{Fields, ReadBody, read_members};
use crate::http::findings::{Findings, member_path};
use crate::http::problem::ApiError;
use crate::http::words::ConfiguredWords;

/// PostgreSQL keeps no NUL character in text or JSON, so none gets past the edge.
const NO_NUL: &str = "must not contain the NUL character";

/// A value that is about to be read. Every reader gives `None` after it noted what is wrong.
#[derive(Debug)]
pub(crate) struct Node<'n> {
    path: String,
    value: Value,
    findings: &'n mut Findings,
    words: &'n ConfiguredWords,
}

impl<'n> Node<'n> {
    pub(super) fn new(
        path: String,
        value: Value,
        findings: &'n mut Findings,
        words: &'n ConfiguredWords,
    ) -> Self {
        Self { path, value, findings, words }
    }

    fn refuse<T>(self, message: impl Into<String>) -> Option<T> {
        self.findings.add(self.path, message);
        None
    }

    /// A text with that many characters, not all of them blank.
    pub(crate) fn text(self, chars: RangeInclusive<usize>) -> Option<String> {
        let Value::String(text) = self.value else { return self.refuse("must be a string") };
        let refused = if !chars.contains(&text.chars().count()) {
            format!("must have {} to {} characters", chars.start(), chars.end())
        } else if *chars.start() > 0 && text.trim().is_empty() {
            "must not be blank".to_owned()
        } else if text.contains('\0') {
            NO_NUL.to_owned()
        } else {
            return Some(text);
        };
        self.findings.add(self.path, refused);
        None
    }

    /// A text that is one of a type's words, or an identifier with rules of its own.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(self) -> Option<T> {
        let Value::String(text) = &self.value else { return self.refuse("must be a string") };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// One of `words`, in a vocabulary that is open on the wire but closed to clients.
    pub(crate) fn word<T: for<'w> From<&'w str>>(self, words: &[&str]) -> Option<T> {
        match &self.value {
            Value::String(text) if words.contains(&text.as_str()) => Some(T::from(text.as_str())),
            Value::String(_) => self.refuse(format!("must be one of {}", words.join(", "))),
            _ => self.refuse("must be a string"),
        }
    }

    /// A tier that this installation has.
    pub(crate) fn tier(self) -> Option<Tier> {
        let words = self.words;
        self.word(&words.tiers())
    }

    /// A whole number in that range; `3.0` is one too.
    pub(crate) fn integer(self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match &self.value {
            Value::Number(number) => number,
            _ => return self.refuse("must be an integer"),
        };
        // Every u32 has an exact f64, so nothing in range is lost on the way.
        let found = number.as_f64().filter(|float| float.fract() == 0.0);
        let in_range = |float: f64| (f64::from(*range.start())..=f64::from(*range.end())).contains(&float);
        match found {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be in range"
            )]
            Some(float) if in_range(float) => Some(float as u32),
            _ => self.refuse(format!("must be an integer from {} to {}", range.start(), range.end())),
        }
    }

    /// The same value, where a number or a flag may also be given as text: `"5"` is 5, `"True"` is true.
    pub(crate) fn unquoted(mut self) -> Self {
        if let Value::String(text) = &self.value
            && let Ok(value) = serde_json::from_str(&text.trim().to_ascii_lowercase())
            && matches!(value, Value::Number(_) | Value::Bool(_))
        {
            self.value = value;
        }
        self
    }

    /// `true` or `false`.
    pub(crate) fn flag(self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(flag),
            _ => self.refuse("must be true or false"),
        }
    }

    /// A UUID in its hyphenated form.
    pub(crate) fn uuid<T: From<Uuid>>(self) -> Option<T> {
        let Value::String(text) = &self.value else { return self.refuse("must be a string") };
        match parse_uuid(text) {
            Some(uuid) => Some(T::from(uuid)),
            None => self.refuse("must be a UUID"),
        }
    }

    /// A point in time from 1970 to 9999.
    pub(crate) fn time(self) -> Option<Timestamp> {
        let Value::String(text) = &self.value else { return self.refuse("must be a string") };
        match parse_time(text) {
            Some(time) => Some(time),
            None => self.refuse("must be a time as RFC 3339 has it, from 1970 to 9999"),
        }
    }

    /// A list, each item read by `read`. One bad item makes the list bad, and every bad one is noted.
    pub(crate) fn list<T>(self, mut read: impl FnMut(Node<'_>) -> Option<T>) -> Option<Vec<T>> {
        let Value::Array(items) = self.value else { return self.refuse("must be an array") };
        let mut values = Vec::with_capacity(items.len());
        let mut all_right = true;
        for (index, item) in items.into_iter().enumerate() {
            match read(Node::new(format!("{}[{index}]", self.path), item, &mut *self.findings, self.words)) {
                Some(value) => values.push(value),
                None => all_right = false,
            }
        }
        all_right.then_some(values)
    }

    /// A list of inputs that are each taken or refused on their own, as if they had come alone.
    pub(crate) fn separately<T: ReadBody>(
        self,
        items: RangeInclusive<usize>,
    ) -> Option<Vec<Result<T, ApiError>>> {
        let Value::Array(values) = self.value else { return self.refuse("must be an array") };
        if !items.contains(&values.len()) {
            let message = format!("must have {} to {} items", items.start(), items.end());
            self.findings.add(self.path, message);
            return None;
        }
        let read = |value| match value {
            Value::Object(members) => read_members(members, self.words),
            _ => Err(not_an_object()),
        };
        Some(values.into_iter().map(read).collect())
    }

    /// An object with known members.
    pub(crate) fn object<T>(self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        let Value::Object(members) = self.value else { return self.refuse("must be an object") };
        let mut fields = Fields::new(&self.path, members, self.findings, self.words);
        let value = read(&mut fields);
        fields.refuse_unknown();
        value
    }

    /// An object of the client's own shape; `check` looks at the members that have a meaning nevertheless.
    pub(crate) fn open_object(self, check: impl FnOnce(&mut Fields<'_>)) -> Option<JsonObject> {
        if contains_nul(&self.value) {
            name_nuls(&self.value, self.path, self.findings);
            return None;
        }
        let Value::Object(members) = self.value else { return self.refuse("must be an object") };
        check(&mut Fields::new(&self.path, members.clone(), self.findings, self.words));
        Some(members)
    }
}

/// A UUID in its hyphenated form, which is the only one that the contract knows.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    const HYPHENATED_CHARS: usize = 36;
    if text.len() == HYPHENATED_CHARS { Uuid::parse_str(text).ok() } else { None }
}

/// A time in the range that every store and client can hold.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (1970..=9999).contains(&time.year()).then_some(time)
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains('\0') || contains_nul(member))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn name_nuls(value: &Value, path: String, findings: &mut Findings) {
    match value {
        Value::String(text) if text.contains('\0') => findings.add(path, NO_NUL),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                name_nuls(item, format!("{path}[{index}]"), findings);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    findings.add(path.clone(), "must not contain the NUL character in a name");
                }
                name_nuls(member, member_path(&path, name), findings);
            }
        }
        _ => {}
    }
}
