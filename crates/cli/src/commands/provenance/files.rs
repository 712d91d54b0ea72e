//! A folder of record files: which files there are, and the lines that they make.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
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
    /// Files that cannot be taken, and why.
    pub(super) refused: Vec<(String, String)>,
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
            let name = name_of(&path);
            if !name.ends_with(".json") || NOT_RECORDS.contains(&name.as_str()) || path.is_dir() {
                continue;
            }
            step();
            if let Some(reason) = obstacle(&path) {
                found.refused.push((name, reason));
                continue;
            }
            match name.as_str() {
                TAINT_EVENTS => found.taint_events = Some(path),
                CHECKPOINTS => found.checkpoints = Some(path),
                _ => records.push((age_of(&path), path)),
            }
        }
        records.sort();
        found.refused.sort();
        found.records = records.into_iter().map(|(_, path)| path).collect();
        Ok(found)
    }
}

/// What a file is that can never be taken, if it is such a one.
fn obstacle(path: &Path) -> Option<String> {
    if path.file_name().and_then(|name| name.to_str()).is_none() {
        return Some("its name is not UTF-8".to_owned());
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => None,
        Ok(_) => Some("not a file".to_owned()),
        Err(error) => Some(format!("cannot be read: {error}")),
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

impl Given {
    /// The same, but no longer than the gateway takes.
    fn within(self, most_bytes: usize, file: &str) -> Self {
        match self {
            Self::Line(line) if line.len() > most_bytes.saturating_add(LINE_END.len()) => {
                let bytes = line.len() - LINE_END.len();
                let reason = format!("too long: {bytes} bytes in a line, and the gateway takes {most_bytes}");
                Self::Refused { file: file.to_owned(), reason }
            }
            given => given,
        }
    }
}

/// The line of a record's file, of at most so many bytes.
pub(super) fn record_line(path: &Path, most_bytes: usize) -> Given {
    let file = name_of(path);
    match read(path).and_then(|text| Ok(line("record", &file, None, raw(&text)?.get()))) {
        Ok(line) => Given::Line(line).within(most_bytes, &file),
        Err(reason) => Given::Refused { file, reason },
    }
}

/// An element of a file, and the key that it has there if it does not tell its own id.
type Element = (Option<String>, Box<RawValue>);

/// The lines of `checkpoints.json`, each of at most so many bytes.
pub(super) fn checkpoint_lines(path: &Path, most_bytes: usize) -> Vec<Given> {
    elements(path, "checkpoint", most_bytes, |text| {
        let members: InOrder =
            serde_json::from_str(text).map_err(|error| format!("not an object of checkpoints: {error}"))?;
        let element = |(key, body): (String, Box<RawValue>)| (lacks_id(&body).then_some(key), body);
        Ok(members.0.into_iter().map(element).collect())
    })
}

/// The lines of `taint_events.json`, each of at most so many bytes.
pub(super) fn taint_event_lines(path: &Path, most_bytes: usize) -> Vec<Given> {
    elements(path, "taint_event", most_bytes, |text| {
        let events: Vec<Box<RawValue>> =
            serde_json::from_str(text).map_err(|error| format!("not a list of taint events: {error}"))?;
        Ok(events.into_iter().map(|body| (None, body)).collect())
    })
}

/// Whether an object does not tell its own id.
fn lacks_id(body: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        id: Value,
    }
    serde_json::from_str::<Named>(body.get()).is_ok_and(|named| named.id.is_null() || named.id == "")
}

fn elements(
    path: &Path,
    kind: &str,
    most_bytes: usize,
    parse: impl Fn(&str) -> Result<Vec<Element>, String>,
) -> Vec<Given> {
    let file = name_of(path);
    let given = |(key, body): &Element| {
        Given::Line(line(kind, &file, key.as_deref(), body.get())).within(most_bytes, &file)
    };
    match read(path).and_then(|text| parse(&text)) {
        Ok(elements) => elements.iter().map(given).collect(),
        Err(reason) => vec![Given::Refused { file, reason }],
    }
}

/// What ends a line.
const LINE_END: &str = "\n";

fn line(kind: &str, file: &str, key: Option<&str>, body: &str) -> String {
    let key = key.map(|key| format!(r#""key":{},"#, Value::from(key))).unwrap_or_default();
    format!(r#"{{"kind":"{kind}","file":{},{key}"body":{}}}{LINE_END}"#, Value::from(file), compact(body))
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
            let Given::Refused { file, reason } = record_line(&Path::new(SAMPLES).join(name), usize::MAX)
            else {
                panic!("{name} was taken");
            };
            assert_eq!(file, name);
            assert!(reason.starts_with("not JSON: "), "{reason}");
        }
    }

    #[test]
    fn elements_keep_their_order() {
        let lines = checkpoint_lines(&Path::new(SAMPLES).join(CHECKPOINTS), usize::MAX);
        assert_eq!(lines.len(), 6);
        let Given::Line(first) = &lines[0] else { panic!("{lines:?}") };
        assert!(first.starts_with(
            "{\"kind\":\"checkpoint\",\"file\":\"checkpoints.json\",\"body\":{\"id\":\"03682cec"
        ));
        assert_eq!(taint_event_lines(&Path::new(SAMPLES).join(TAINT_EVENTS), usize::MAX).len(), 287);
    }

    #[cfg(unix)]
    #[test]
    fn files_that_cannot_be_taken_are_told() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let folder = std::env::temp_dir().join(format!("dats-import-{}", std::process::id()));
        fs::create_dir_all(folder.join("folder.json")).unwrap();
        fs::write(folder.join("good.json"), r#"{"id":"a"}"#).unwrap();
        fs::write(folder.join(OsStr::from_bytes(b"odd-\xff.json")), "{}").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("dangling.json")).unwrap();
        let found = Folder::scan(&folder, || ()).unwrap();
        assert_eq!(found.records, [folder.join("good.json")]);
        let files: Vec<&str> = found.refused.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(files, ["dangling.json", "odd-\u{fffd}.json"]);
        assert!(found.refused[0].1.starts_with("cannot be read: No such file"), "{:?}", found.refused);
        assert_eq!(found.refused[1].1, "its name is not UTF-8");

        let line = record_line(&folder.join("good.json"), 1_000);
        let Given::Line(text) = &line else { panic!("{line:?}") };
        assert_eq!(record_line(&folder.join("good.json"), text.len() - 1), line);
        let bytes = text.len() - 1;
        let reason = format!("too long: {bytes} bytes in a line, and the gateway takes {}", bytes - 1);
        let refused = Given::Refused { file: "good.json".to_owned(), reason };
        assert_eq!(record_line(&folder.join("good.json"), bytes - 1), refused);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_checkpoint_that_tells_no_id_comes_with_its_key() {
        let path = std::env::temp_dir().join(format!("dats-checkpoints-{}.json", std::process::id()));
        fs::write(&path, r#"{"k": {"x": 1}, "l": {"id": "l"}, "m": {"id": null}, "n": 7}"#).unwrap();
        let bodies: Vec<Value> = checkpoint_lines(&path, usize::MAX)
            .into_iter()
            .map(|given| match given {
                Given::Line(line) => serde_json::from_str::<Value>(&line).unwrap()["key"].clone(),
                refused @ Given::Refused { .. } => panic!("{refused:?}"),
            })
            .collect();
        fs::remove_file(&path).unwrap();
        assert_eq!(bodies, [Value::from("k"), Value::Null, Value::from("m"), Value::Null]);
    }
}
