//! A folder of record files: which files there are, and the lines that they make.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::json::text::compact;

/// Taint events: an array.
pub(super) const TAINT_EVENTS: &str = "taint_events.json";
/// Checkpoints: an object, by id.
pub(super) const CHECKPOINTS: &str = "checkpoints.json";
/// Lie in the same folder and are no records: work under way of the earlier system.
const NOT_RECORDS: [&str; 2] = ["revalidation_queue.json", "rollback_state.json"];

/// What is imported from a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folder {
    /// Files of one record each, oldest record first.
    pub(super) records: Vec<PathBuf>,
    pub(super) checkpoints: Option<PathBuf>,
    pub(super) taint_events: Option<PathBuf>,
}

/// The only members of a record that the order depends on.
#[derive(Deserialize, Default)]
struct Age {
    created_at: Option<String>,
    completed_at: Option<String>,
}

impl Folder {
    /// Looks into a folder. `step` is called for each file.
    pub(super) fn scan(folder: &Path, mut step: impl FnMut()) -> Result<Self, Failure> {
        let cannot =
            |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", folder.display()));
        let mut found = Self::default();
        let mut records = Vec::new();
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !name.ends_with(".json") || NOT_RECORDS.contains(&name) || !path.is_file() {
                continue;
            }
            step();
            match name {
                TAINT_EVENTS => found.taint_events = Some(path),
                CHECKPOINTS => found.checkpoints = Some(path),
                _ => records.push((age_of(&path), path)),
            }
        }
        records.sort();
        found.records = records.into_iter().map(|(_, path)| path).collect();
        Ok(found)
    }
}

/// When a record was made, for the order of import alone; what tells no time comes first.
fn age_of(path: &Path) -> String {
    let age: Age =
        fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    age.created_at.or(age.completed_at).unwrap_or_default()
}

/// What a file gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A line for the gateway.
    Line(String),
    /// Nothing, and why.
    Refused { file: String, reason: String },
}

/// The line of a record's file.
pub(super) fn record_line(path: &Path) -> Given {
    let file = name_of(path);
    match read(path).and_then(|text| Ok(line("record", &file, raw(&text)?.get()))) {
        Ok(line) => Given::Line(line),
        Err(reason) => Given::Refused { file, reason },
    }
}

/// The lines of `checkpoints.json`.
pub(super) fn checkpoint_lines(path: &Path) -> Vec<Given> {
    let parse = |text: &str| {
        let members: Vec<(String, Box<RawValue>)> = serde_json::from_str::<InOrder>(text)
            .map_err(|error| format!("not an object of checkpoints: {error}"))?
            .0;
        Ok(members.into_iter().map(|(_, body)| body).collect())
    };
    elements(path, "checkpoint", parse)
}

/// The lines of `taint_events.json`.
pub(super) fn taint_event_lines(path: &Path) -> Vec<Given> {
    elements(path, "taint_event", |text| {
        serde_json::from_str(text).map_err(|error| format!("not a list of taint events: {error}"))
    })
}

fn elements(
    path: &Path,
    kind: &str,
    parse: impl Fn(&str) -> Result<Vec<Box<RawValue>>, String>,
) -> Vec<Given> {
    let file = name_of(path);
    match read(path).and_then(|text| parse(&text)) {
        Ok(bodies) => bodies.iter().map(|body| Given::Line(line(kind, &file, body.get()))).collect(),
        Err(reason) => vec![Given::Refused { file, reason }],
    }
}

fn line(kind: &str, file: &str, body: &str) -> String {
    format!("{{\"kind\":\"{kind}\",\"file\":{},\"body\":{}}}\n", serde_json::Value::from(file), compact(body))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

fn raw(text: &str) -> Result<&RawValue, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

/// The name of a file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Members of an object in the order in which they stand.
struct InOrder(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = InOrder;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/provenance");

    #[test]
    fn records_come_oldest_first_and_what_is_no_record_is_left() {
        let folder = Folder::scan(Path::new(SAMPLES), || ()).unwrap();
        let names: Vec<String> = folder.records.iter().map(|path| name_of(path)).collect();
        assert!(names.len() > 200 && names.iter().all(|name| name.ends_with(".json")));
        for other in ["revalidation_queue.json", "rollback_state.json", TAINT_EVENTS, CHECKPOINTS] {
            assert!(!names.iter().any(|name| name == other), "{other}");
        }
        let ages: Vec<String> = folder.records.iter().map(|path| age_of(path)).collect();
        assert!(ages.is_sorted());
        assert!(folder.checkpoints.is_some() && folder.taint_events.is_some());
    }

    #[test]
    fn a_file_that_is_no_json_is_refused_here() {
        for name in ["malformed-empty.json", "malformed-truncated.json"] {
            let Given::Refused { file, reason } = record_line(&Path::new(SAMPLES).join(name)) else {
                panic!("{name} was taken");
            };
            assert_eq!(file, name);
            assert!(reason.starts_with("not JSON: "), "{reason}");
        }
    }

    #[test]
    fn elements_keep_their_order() {
        let lines = checkpoint_lines(&Path::new(SAMPLES).join(CHECKPOINTS));
        assert_eq!(lines.len(), 6);
        let Given::Line(first) = &lines[0] else { panic!("{lines:?}") };
        assert!(first.starts_with(
            "{\"kind\":\"checkpoint\",\"file\":\"checkpoints.json\",\"body\":{\"id\":\"03682cec"
        ));
        assert_eq!(taint_event_lines(&Path::new(SAMPLES).join(TAINT_EVENTS)).len(), 287);
    }
}
