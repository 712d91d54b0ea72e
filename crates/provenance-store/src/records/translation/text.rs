//! Text as the database takes it: without NUL, and of a size that an identifier or label can have.

use protocol::events::JsonObject;
use serde_json::Value;

use super::Refused;

/// Most characters of a label, name, path or checksum.
const MAX_LABEL_CHARS: usize = 2_000;

/// A name or path; NUL, which the database cannot hold, becomes the replacement character.
pub(crate) fn clean(text: Option<&String>, member: &'static str) -> Result<Option<String>, Refused> {
    match text {
        Some(text) if text.chars().count() > MAX_LABEL_CHARS => {
            Err(Refused::TooLong { member, max: MAX_LABEL_CHARS })
        }
        text => Ok(text.map(|text| without_nul(text))),
    }
}

/// A word of an open vocabulary.
pub(crate) fn label<T>(word: Option<&T>, member: &'static str) -> Result<Option<T>, Refused>
where
    T: Clone + Into<String> + From<String>,
{
    Ok(clean(word.cloned().map(Into::into).as_ref(), member)?.map(T::from))
}

/// The text without NUL.
#[must_use]
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The same within a JSON value, and -0 as 0: the database knows no other zero.
pub(crate) fn clean_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => items.iter().map(clean_value).collect(),
        Value::Object(members) => Value::Object(clean_object(members)),
        Value::Number(number) if number.as_f64() == Some(0.0) => Value::from(0),
        other => other.clone(),
    }
}

/// As [`clean_value`].
pub(crate) fn clean_object(members: &JsonObject) -> JsonObject {
    members.iter().map(|(name, value)| (without_nul(name), clean_value(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the database writes numbers: every digit, no exponent.
    #[test]
    fn every_number_is_read_as_what_is_written() {
        let texts = ["1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "1e22", "0.1", "1e16"];
        let told = texts.map(|text| serde_json::from_str::<f64>(text).unwrap());
        let steps = (0..20_000).map(|step| f64::from(step).mul_add(1.1e-5, 0.123_456_789_012_345_67));
        for number in told.into_iter().chain(steps) {
            assert_eq!(serde_json::from_str::<f64>(&number.to_string()).unwrap(), number, "{number:e}");
        }
        assert_eq!(clean_value(&Value::from(u64::MAX)), Value::from(u64::MAX));
        assert_eq!(clean_value(&Value::from(-0.0)).to_string(), "0");
    }
}
