//! Validated text: the one way in which identifiers that are plain text come into being.

use thiserror::Error;

/// Why a text is not acceptable as the identifier it was meant to be. The text itself is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidText {
    /// Nothing but an empty string.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("must have at most {max} characters, has {actual}")]
    TooLong {
        /// Most characters allowed.
        max: usize,
        /// Characters given.
        actual: usize,
    },
    /// A character outside the allowed set.
    #[error("must not contain {found:?}; allowed are {allowed}")]
    Character {
        /// The first offending character.
        found: char,
        /// The allowed set, in words.
        allowed: &'static str,
    },
}

/// Checks `text` for emptiness, length in characters, and every character against `accepts`.
///
/// # Errors
/// The first rule that is broken, in that order.
pub fn check(
    text: &str,
    max: usize,
    allowed: &'static str,
    accepts: impl Fn(char) -> bool,
) -> Result<(), InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    let actual = text.chars().count();
    if actual > max {
        return Err(InvalidText::TooLong { max, actual });
    }
    match text.chars().find(|&c| !accepts(c)) {
        Some(found) => Err(InvalidText::Character { found, allowed }),
        None => Ok(()),
    }
}
