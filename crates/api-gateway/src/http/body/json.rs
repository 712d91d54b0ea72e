//! From bytes to a JSON object, telling apart what is not JSON (1003) from JSON that we do not take (1002).

use protocol::ErrorCode;
use protocol::events::JsonObject;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::http::problem::{ApiError, FieldError};

/// Deepest nesting that is taken. Parts of a body travel on inside events, whose readers stop at 128 levels.
pub(super) const MAX_DEPTH: usize = 64;

/// Parses a body whose top level must be an object. Of members with the same name the last one counts.
pub(super) fn parse_object(body: &[u8]) -> Result<JsonObject, ApiError> {
    if body.is_empty() {
        return Err(malformed("the body is empty"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| malformed(format!("not UTF-8 after byte {}", error.valid_up_to())))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) if members.values().all(|value| fits(value, MAX_DEPTH - 1)) => Ok(members),
        Ok(Value::Object(_)) => Err(refused(format!("must not be nested deeper than {MAX_DEPTH} levels"))),
        Ok(_) => Err(not_an_object()),
        // The parser's own limits (depth, size of numbers, lone surrogates) are no fault of syntax.
        Err(error) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            Err(refused(format!("cannot be taken: {error}")))
        }
        Err(error) => Err(malformed(format!("not JSON: {error}"))),
    }
}

/// Another kind of value stands where an input has to.
pub(super) fn not_an_object() -> ApiError {
    refused("must be a JSON object")
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(ErrorCode::MalformedJson, detail)
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::invalid(vec![FieldError { field: "body".to_owned(), message: message.into() }])
}

/// Whether `value` has at most `levels` levels of objects and arrays.
fn fits(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| fits(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| fits(member, levels - 1)),
        _ => true,
    }
}
