//! Text on its way into PostgreSQL, which takes every character but NUL: programs print it, so it is replaced
//! by U+FFFD rather than refused. Losing a result for one character in its log would be worse.

use std::borrow::Cow;

/// `text` as PostgreSQL can keep it.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The same for a text that may be absent.
pub(crate) fn storable_option(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(storable)
}

/// The same inside a JSON document, where NUL is written `\u0000`.
pub(crate) fn storable_json(document: Vec<u8>) -> Vec<u8> {
    const NUL: &[u8] = br"\u0000";
    if !document.windows(NUL.len()).any(|window| window == NUL) {
        return document;
    }
    let mut clean = Vec::with_capacity(document.len());
    let mut rest = document.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after_nul) = rest.strip_prefix(NUL) {
            clean.extend_from_slice(br"\ufffd");
            rest = after_nul;
        } else if let (b'\\', Some((&escaped, after_escape))) = (byte, after.split_first()) {
            // Both bytes of an escape at once: the second backslash of `\\u0000` begins no escape.
            clean.extend_from_slice(&[byte, escaped]);
            rest = after_escape;
        } else {
            clean.push(byte);
            rest = after;
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_becomes_the_replacement_character() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert_eq!(storable("ab"), Cow::Borrowed("ab"));
    }

    #[test]
    fn only_a_real_nul_is_replaced_inside_json() {
        let document = serde_json::to_vec(&["a\0b", r"a\u0000b", "\\\0", "\u{1}"]).unwrap();
        let clean: Vec<String> = serde_json::from_slice(&storable_json(document)).unwrap();
        assert_eq!(clean, ["a\u{fffd}b", r"a\u0000b", "\\\u{fffd}", "\u{1}"]);
    }
}
