//! Collects everything that is wrong with one input, so that a client mends it in one go.

use super::problem::{ApiError, FieldError};

/// Most findings that one answer lists; the rest is only counted, so that an answer cannot grow with abuse.
const MOST_LISTED: usize = 100;
/// Most characters of a client's own field name that are repeated to it.
const MOST_NAME_CHARS: usize = 100;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    listed: Vec<FieldError>,
    unlisted: usize,
}

impl Findings {
    /// Notes that `field` is wrong. Messages say the rule and never repeat the value, which may be confidential.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.listed.len() < MOST_LISTED {
            self.listed.push(FieldError { field: field.into(), message: message.into() });
        } else {
            self.unlisted += 1;
        }
    }

    /// The value that was read, if nothing was found wrong with any part of it.
    ///
    /// # Errors
    /// 1002 with every finding.
    pub(crate) fn conclude<T>(mut self, read: Option<T>) -> Result<T, ApiError> {
        match read {
            Some(value) if self.listed.is_empty() => Ok(value),
            _ => {
                if self.unlisted > 0 {
                    let message = format!("{} more findings are not listed", self.unlisted);
                    self.listed.push(FieldError { field: String::new(), message });
                }
                Err(ApiError::invalid(self.listed))
            }
        }
    }
}

/// The path of member `name` of the object at `path`.
pub(crate) fn member_path(path: &str, name: &str) -> String {
    let shown: String = name.chars().take(MOST_NAME_CHARS).collect();
    if path.is_empty() { shown } else { format!("{path}.{shown}") }
}
