//! The body of a dead letter as it can be shown. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Most bytes of a body that are shown.
const MOST_SHOWN_BYTES: usize = 64 * 1024;

/// What a message says, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterBody {
    /// As text where it is text, else encoded.
    pub content: String,
    /// How `content` is to be read.
    pub encoding: Encoding,
    /// The size of the whole body.
    pub size_bytes: usize,
    /// Whether the end is missing.
    pub truncated: bool,
}

/// How the content of a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it stands.
    Text,
    /// Bytes that are no text, in base64.
    Base64,
}

impl Encoding {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Base64 => "base64",
        }
    }
}

impl LetterBody {
    /// The body as it can be shown.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let shown = body.get(..MOST_SHOWN_BYTES).unwrap_or(body);
        let truncated = shown.len() < body.len();
        let (content, encoding) = match text_of(shown, truncated) {
            Some(text) => (text.to_owned(), Encoding::Text),
            None => (STANDARD.encode(shown), Encoding::Base64),
        };
        Self { content, encoding, size_bytes: body.len(), truncated }
    }
}

/// The bytes as text; of a character that was cut in the middle nothing is left.
fn text_of(bytes: &[u8], is_cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_bytes_are_encoded() {
        let text = LetterBody::of("{\"ä\":1}".as_bytes());
        assert_eq!((text.content.as_str(), text.encoding), ("{\"ä\":1}", Encoding::Text));
        assert_eq!((text.size_bytes, text.truncated), (8, false));
        let bytes = LetterBody::of(&[0xff, 0x00]);
        assert_eq!((bytes.content.as_str(), bytes.encoding), ("/wA=", Encoding::Base64));
        let half = LetterBody::of("ä".as_bytes().get(..1).unwrap());
        assert_eq!(half.encoding, Encoding::Base64, "what is not cut by us is not mended");
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let long = format!("a{}", "ä".repeat(MOST_SHOWN_BYTES));
        let body = LetterBody::of(long.as_bytes());
        assert_eq!((body.encoding, body.truncated, body.size_bytes), (Encoding::Text, true, long.len()));
        assert_eq!(body.content.len(), MOST_SHOWN_BYTES - 1);
        assert!(long.starts_with(&body.content));
    }
}
