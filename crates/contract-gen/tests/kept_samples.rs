//! Events as earlier versions wrote them. They stay here for ever and must be understood for ever: during an upgrade,
//! and after it from queues, outboxes and dead letters. A new release adds a folder; no file in one is ever changed.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use protocol::{Event, Incoming};
use serde_json::Value;

/// Every kept sample: its name with its version, and its text.
fn kept() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept-samples");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    entries(&root)
        .iter()
        .flat_map(|version| {
            entries(version).into_iter().map(move |path| (format!("{}/{}", name(version), name(&path)), path))
        })
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

fn decode(body: &str) -> Result<Event, String> {
    let message = Incoming { routing_key: "", body: body.as_bytes(), ..Incoming::default() };
    Event::decode(message, "2030-01-01T00:00:00Z".parse().unwrap()).map_err(|error| error.to_string())
}

/// Whether everything in `old` is in `new` as well. What is new may stand beside it.
fn holds(new: &Value, old: &Value, path: &str, missing: &mut Vec<String>) {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            for (key, value) in old {
                let path = format!("{path}.{key}");
                match new.get(key) {
                    Some(there) => holds(there, value, &path, missing),
                    None => missing.push(path),
                }
            }
        }
        (Value::Array(new), Value::Array(old)) if new.len() == old.len() => {
            for (index, (new, old)) in new.iter().zip(old).enumerate() {
                holds(new, old, &format!("{path}[{index}]"), missing);
            }
        }
        (new, old) if new == old => {}
        (new, old) => missing.push(format!("{path}: {old} became {new}")),
    }
}

/// Members that no version knows, everywhere.
fn with_strangers(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: serde_json::Map<String, Value> =
                members.iter().map(|(key, value)| (key.clone(), with_strangers(value))).collect();
            members.insert("from_the_future".to_owned(), serde_json::json!({ "deep": [1, null, "x"] }));
            Value::Object(members)
        }
        Value::Array(items) => items.iter().map(with_strangers).collect(),
        other => other.clone(),
    }
}

#[test]
fn events_of_earlier_versions_are_understood() {
    let kept = kept();
    assert!(kept.len() >= 27, "{} samples", kept.len());
    for (name, body) in kept {
        let event = decode(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written: Value = serde_json::from_slice(&event.to_json().unwrap()).unwrap();
        let mut missing = Vec::new();
        holds(&written, &serde_json::from_str(&body).unwrap(), "", &mut missing);
        // The version of a schema may rise.
        missing.retain(|problem| !problem.starts_with(".dataschema:"));
        assert!(missing.is_empty(), "{name} lost its meaning: {missing:?}");
    }
}

#[test]
fn what_later_versions_add_is_passed_over() {
    for (name, body) in kept() {
        let document: Value = serde_json::from_str(&body).unwrap();
        let envelope_only = {
            let mut envelope = document.clone();
            envelope["from_the_future"] = serde_json::json!(true);
            envelope
        };
        let expected = decode(&body).unwrap();
        assert_eq!(decode(&envelope_only.to_string()).unwrap(), expected, "{name}");
        let strange =
            decode(&with_strangers(&document).to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((strange.id, strange.data.kind()), (expected.id, expected.data.kind()), "{name}");
    }
}

#[test]
fn every_kind_of_event_of_the_first_version_is_kept() {
    let kept: BTreeSet<String> = kept().into_iter().map(|(name, _)| name).collect();
    for name in
        ["task.created", "task.ready", "task.output.created", "rollback.completed", "provenance.recorded"]
    {
        assert!(kept.contains(&format!("0.1.0/{name}.json")), "{name}");
    }
}
