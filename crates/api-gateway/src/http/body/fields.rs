//! The members of one JSON object, taken out one by one; what is left at the end was not known.

use protocol::events::JsonObject;
use serde_json::Value;

use super::Node;
use crate::http::findings::{Findings, member_path};
use crate::http::words::ConfiguredWords;
use crate::projects::project::Change;

/// A JSON object that is being read. An absent member and one that is `null` are the same.
#[derive(Debug)]
pub(crate) struct Fields<'f> {
    path: &'f str,
    members: JsonObject,
    findings: &'f mut Findings,
    words: &'f ConfiguredWords,
}

impl<'f> Fields<'f> {
    /// The object at `path`; the body itself has the empty path.
    pub(super) fn new(
        path: &'f str,
        members: JsonObject,
        findings: &'f mut Findings,
        words: &'f ConfiguredWords,
    ) -> Self {
        Self { path, members, findings, words }
    }

    /// The member's value if it is there and right. A wrong one is noted.
    pub(crate) fn optional<T>(&mut self, name: &str, read: impl FnOnce(Node<'_>) -> Option<T>) -> Option<T> {
        let value = self.members.remove(name).filter(|value| !value.is_null())?;
        read(Node::new(member_path(self.path, name), value, self.findings, self.words))
    }

    /// What is to become of a value: nothing where the member is absent, unset where it is `null`.
    pub(crate) fn change<T>(&mut self, name: &str, read: impl FnOnce(Node<'_>) -> Option<T>) -> Change<T> {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.remove(name);
            return Change::Unset;
        }
        self.optional(name, read).map_or(Change::Keep, Change::Set)
    }

    /// The member's value; that it is missing or wrong is noted.
    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(Node<'_>) -> Option<T>) -> Option<T> {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.findings.add(member_path(self.path, name), "is required");
        }
        self.optional(name, read)
    }

    /// All members together, as an object of the client's own shape.
    pub(crate) fn everything(&mut self) -> Option<JsonObject> {
        let members = Value::Object(std::mem::take(&mut self.members));
        Node::new(self.path.to_owned(), members, self.findings, self.words).open_object(|_| ())
    }

    /// Notes that the member `name` breaks a rule of the endpoint's own.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.findings.add(member_path(self.path, name), message);
    }

    /// Notes every member that nobody asked for.
    pub(super) fn refuse_unknown(self) {
        for name in self.members.keys() {
            self.findings.add(member_path(self.path, name), "is not a known field");
        }
    }
}
