//! Looks into JSON from the gateway. What is missing reads as nothing, so that older and newer gateways are understood.

pub(crate) mod text;

use serde_json::Value;

/// Short ways to members; `path` is dotted.
pub(crate) trait Look {
    /// The value at that path; null if there is none.
    fn at(&self, path: &str) -> &Value;

    /// The text at that path; empty if there is none.
    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    /// What stands at that path as people read it; empty if there is nothing.
    fn shown(&self, path: &str) -> String {
        shown(self.at(path))
    }

    /// The number at that path; 0 if there is none.
    fn count(&self, path: &str) -> u64 {
        self.at(path).as_u64().unwrap_or_default()
    }

    /// The elements of the list at that path.
    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether it says yes at that path.
    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or_default()
    }
}

impl Look for Value {
    fn at(&self, path: &str) -> &Value {
        path.split('.').try_fold(self, |value, name| value.get(name)).unwrap_or(&Value::Null)
    }
}

/// A value as people read it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
