//! What is committed in `proto-events/` is what the types say, and every golden sample means what it always did.

#![allow(clippy::panic, reason = "a file that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use contract_gen::{documents, sample};
use protocol::{Event, EventKind, Incoming};
use serde_json::Value;

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto-events")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make contract`", path.display()))
}

#[test]
fn the_committed_contract_is_what_the_types_say() {
    for (path, content) in documents().unwrap() {
        let there = read(&committed().join(&path));
        assert!(there == content, "{} differs from the types; run `make contract`", path.display());
    }
}

#[test]
fn nothing_else_is_committed_beside_the_events_of_the_catalogue() {
    let expected: BTreeSet<PathBuf> = documents().unwrap().into_keys().collect();
    for folder in ["schemas", "samples"] {
        for entry in fs::read_dir(committed().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            assert!(expected.contains(&path), "{} belongs to no event", path.display());
        }
    }
}

#[test]
fn every_golden_sample_decodes_to_what_it_was_written_from() {
    for &kind in EventKind::ALL {
        let body = read(&committed().join(format!("samples/{}.json", kind.name())));
        let expected = sample(kind);
        let message = Incoming { routing_key: "", body: body.as_bytes(), ..Incoming::default() };
        let received_at = "2030-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Event::decode(message, received_at).unwrap(), expected, "{}", kind.name());
    }
}

#[test]
fn every_golden_sample_fits_its_schema_and_its_bare_data_is_understood() {
    for (path, content) in documents().unwrap() {
        let Ok(name) = path.strip_prefix("samples") else { continue };
        let document: Value = serde_json::from_str(&content).unwrap();
        let schema: Value = serde_json::from_str(&read(&committed().join("schemas").join(name))).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", name.display());

        let bare = document["data"].to_string();
        let event_type = document["type"].as_str().unwrap();
        let message = Incoming { event_type: Some(event_type), body: bare.as_bytes(), ..Incoming::default() };
        Event::decode(message, "2030-01-01T00:00:00Z".parse().unwrap()).unwrap();
    }
}
