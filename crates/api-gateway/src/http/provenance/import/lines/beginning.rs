//! The name of its file, of a line that cannot be read as a whole.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// How much of a line is looked at; what names its file stands at its beginning.
const LOOKED_AT_BYTES: usize = 4096;

/// The file that the beginning of a line names.
pub(super) fn file_of(line: &[u8]) -> Option<String> {
    let mut file = None;
    let beginning = line.get(..LOOKED_AT_BYTES).unwrap_or(line);
    let mut json = serde_json::Deserializer::from_slice(beginning);
    // It ends in the middle; what was read until then is all that is wanted.
    let _ = FileMember(&mut file).deserialize(&mut json);
    file
}

struct FileMember<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for FileMember<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileMember<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == "file" {
                *self.0 = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_wherever_it_stands_at_the_beginning() {
        for (line, file) in [
            (r#"{"kind":"record","file":"a.json","body":{"#, Some("a.json")),
            (r#"{"file" : "\u00fc.json", "bo"#, Some("ü.json")),
            (r#"{"body":{"file":"b.json"},"file":"a.json","#, Some("a.json")),
            (r#"{"kind":"record","file":"a.js"#, None),
            (r#"{"body":{"file":"b.json"}"#, None),
            (r#"{"file":7,"#, None),
            ("[", None),
        ] {
            assert_eq!(file_of(line.as_bytes()).as_deref(), file, "{line}");
        }
        let late = format!(r#"{{"body":"{}","file":"a.json"}}"#, "x".repeat(LOOKED_AT_BYTES));
        assert_eq!(file_of(late.as_bytes()), None);
    }
}
