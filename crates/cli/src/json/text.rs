//! JSON as text, changed only between its tokens: numbers, names and their order stay as somebody wrote them.

use std::fmt::Write;

/// The same JSON on one line, without blanks. `json` must be JSON.
pub(crate) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    each_token(json, |token| compact.push_str(token));
    compact
}

/// The same JSON with two blanks for each level, ASCII only. `level` is where it stands in what surrounds it.
pub(crate) fn pretty(json: &str, level: usize) -> String {
    let mut pretty = Pretty { text: String::with_capacity(json.len() * 2), level, empty: false };
    each_token(json, |token| pretty.push(token));
    pretty.text
}

struct Pretty {
    text: String,
    level: usize,
    /// Whether the last token opened something.
    empty: bool,
}

impl Pretty {
    fn push(&mut self, token: &str) {
        let closes = matches!(token, "}" | "]");
        if closes {
            self.level = self.level.saturating_sub(1);
        }
        // An opened object or list goes on in a line of its own, unless nothing is in it.
        if self.empty != closes {
            self.break_line();
        }
        self.empty = false;
        match token {
            "{" | "[" => {
                self.text.push_str(token);
                self.level += 1;
                self.empty = true;
            }
            "," => {
                self.text.push(',');
                self.break_line();
            }
            ":" => self.text.push_str(": "),
            token => self.push_ascii(token),
        }
    }

    fn break_line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.level));
    }

    fn push_ascii(&mut self, token: &str) {
        for character in token.chars() {
            if character.is_ascii() {
                self.text.push(character);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(self.text, "\\u{unit:04x}");
            }
        }
    }
}

/// Strings whole, punctuation alone, anything else up to the next of these.
fn each_token(json: &str, mut take: impl FnMut(&str)) {
    let mut rest = json.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find(|c: char| "{}[],:\"".contains(c) || c.is_ascii_whitespace()).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length.max(first.len_utf8()));
        take(token);
        rest = after.trim_start();
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"{
  "id": "a \"quoted\" \\ {name}, [1]: x",
  "nothing": {},
  "none": [],
  "list": [
    1.50,
    123456789012345678901234567890,
    {
      "deep": null
    }
  ],
  "\u00fc": true
}"#;

    #[test]
    fn what_was_written_so_is_written_so_again() {
        let compacted = compact(WRITTEN);
        assert!(!compacted.contains('\n'));
        assert_eq!(pretty(&compacted, 0), WRITTEN);
        assert_eq!(pretty(WRITTEN, 0), WRITTEN);
    }

    #[test]
    fn everything_but_ascii_is_escaped() {
        assert_eq!(pretty("{\"ü\":\"🦀\"}", 0), "{\n  \"\\u00fc\": \"\\ud83e\\udd80\"\n}");
    }

    #[test]
    fn blanks_inside_strings_stay() {
        assert_eq!(compact(" { \"a b\" : \" c \" , \"d\" : [ 1 , 2 ] } "), r#"{"a b":" c ","d":[1,2]}"#);
    }
}
