//! AMQP headers, read and written. amqprs counts a table's bytes as values are added but forgets those of a value
//! that is replaced, which corrupts the frame; setting through this type removes first.

use amqprs::{FieldArray, FieldName, FieldTable, FieldValue};

/// Header that carries the trace (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Headers of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headers(FieldTable);

impl Headers {
    /// Sets a text. A name longer than 255 bytes cannot be sent and is left out.
    pub fn set_text(&mut self, name: &str, value: &str) {
        if let Ok(value) = value.try_into() {
            self.set(name, FieldValue::S(value));
        }
    }

    /// Sets a list of texts. A text longer than AMQP carries is left out.
    pub fn set_texts<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        let texts = values.into_iter().filter_map(|value| value.try_into().ok().map(FieldValue::S));
        if let Ok(list) = FieldArray::try_from(texts.collect::<Vec<_>>()) {
            self.set(name, FieldValue::A(list));
        }
    }

    /// Sets a whole number.
    pub fn set_number(&mut self, name: &str, value: i64) {
        self.set(name, FieldValue::l(value));
    }

    /// A header's text, if it is one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            FieldValue::S(text) => Some(text.as_ref()),
            _ => None,
        }
    }

    /// A header's number, whatever its width; text that is a number counts.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            FieldValue::b(number) => Some(i64::from(*number)),
            FieldValue::B(number) => Some(i64::from(*number)),
            FieldValue::s(number) => Some(i64::from(*number)),
            FieldValue::u(number) => Some(i64::from(*number)),
            FieldValue::I(number) => Some(i64::from(*number)),
            FieldValue::i(number) => Some(i64::from(*number)),
            FieldValue::l(number) => Some(*number),
            FieldValue::S(text) => text.as_ref().parse().ok(),
            _ => None,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    pub(crate) fn from_table(table: Option<&FieldTable>) -> Self {
        Self(table.cloned().unwrap_or_default())
    }

    pub(crate) fn into_table(self) -> FieldTable {
        self.0
    }

    pub(crate) fn set(&mut self, name: &str, value: FieldValue) {
        if let Ok(name) = FieldName::try_from(name) {
            self.0.remove(&name);
            self.0.insert(name, value);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Ok(name) = FieldName::try_from(name) {
            self.0.remove(&name);
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&FieldValue> {
        self.0.get(&FieldName::try_from(name).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_a_header_leaves_the_table_as_if_it_was_set_once() {
        let mut replaced = Headers::default();
        replaced.set_text("reason", "a long first reason");
        replaced.set_text("reason", "short");
        let mut once = Headers::default();
        once.set_text("reason", "short");
        // Equality of tables includes the byte count that goes on the wire.
        assert_eq!(replaced, once);
    }

    #[test]
    fn numbers_are_read_in_every_width() {
        let mut headers = Headers::default();
        headers.set("small", FieldValue::B(7));
        headers.set("wide", FieldValue::l(-7));
        headers.set_text("text", "70");
        headers.set_text("word", "seven");
        assert_eq!(headers.number("small"), Some(7));
        assert_eq!(headers.number("wide"), Some(-7));
        assert_eq!(headers.number("text"), Some(70));
        assert_eq!(headers.number("word"), None);
    }
}
