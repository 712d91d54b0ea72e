//! The folder of sample files as lines of an import, in the order in which `dats` sends them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/provenance");

/// Which lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    Record,
    Checkpoint,
    TaintEvent,
}

/// Every file that is JSON at all: records, then checkpoints, then taint events.
pub(crate) fn sample_lines() -> Vec<String> {
    [Sample::Record, Sample::Checkpoint, Sample::TaintEvent].into_iter().flat_map(lines_of).collect()
}

/// The lines of one kind.
pub(crate) fn lines_of(kind: Sample) -> Vec<String> {
    let line = |kind: &str, file: &str, body: &Value| {
        json!({ "kind": kind, "file": file, "body": body }).to_string()
    };
    match kind {
        Sample::Record => {
            let mut names: Vec<String> = fs::read_dir(FOLDER)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.ends_with(".json") && !OTHERS.contains(&name.as_str()))
                .collect();
            names.sort();
            names
                .iter()
                .filter_map(|name| {
                    let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
                    Some(line("record", name, &serde_json::from_str(&text).ok()?))
                })
                .collect()
        }
        Sample::Checkpoint => {
            let checkpoints = parsed("checkpoints.json");
            let checkpoints = checkpoints.as_object().unwrap().values();
            checkpoints.map(|body| line("checkpoint", "checkpoints.json", body)).collect()
        }
        Sample::TaintEvent => {
            let events = parsed("taint_events.json");
            events
                .as_array()
                .unwrap()
                .iter()
                .map(|body| line("taint_event", "taint_events.json", body))
                .collect()
        }
    }
}

const OTHERS: [&str; 4] =
    ["taint_events.json", "checkpoints.json", "revalidation_queue.json", "rollback_state.json"];

fn parsed(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()).unwrap()
}
