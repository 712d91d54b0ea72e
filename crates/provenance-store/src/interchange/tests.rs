//! What is read from a file, and what of it had to be repaired or refused.

use serde_json::{Value, json};

use super::members::{Unreadable, parse_time};
use super::record_file::FileRecord;
use crate::records::Outcome;

fn read(body: &Value) -> Result<FileRecord, Unreadable> {
    FileRecord::read("some-file.json", &body.to_string(), "2026-11-21T02:00:00Z".parse().unwrap())
}

/// A record that lacks nothing, with these members changed.
fn record(changed: Value) -> Value {
    let mut record =
        json!({ "id": "r", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "a"}] });
    record.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    record
}

fn repairs(changed: Value) -> Option<String> {
    read(&record(changed)).unwrap().repairs.told()
}

#[test]
fn a_record_that_lacks_nothing_is_read_without_repairs() {
    assert_eq!(repairs(json!({})), None);
    // What older records have, or lack, is no fault of theirs.
    assert_eq!(
        repairs(json!({ "verification_status": "needs_revision", "verification_details": null })),
        None
    );
    assert_eq!(repairs(json!({ "inputs_consumed": ["b", "b", ""], "tokens_output": null })), None);
    assert_eq!(repairs(json!({ "outputs": [{"type": "code", "location": "x.py"}] })), None);
    assert_eq!(repairs(json!({ "schema_version": 3, "created_at": "" })), None);
}

#[test]
fn what_is_read_otherwise_than_it_stands_is_told() {
    for (changed, told) in [
        (json!({ "id": null }), "id: missing, taken from the file's name"),
        (json!({ "id": 12 }), "id: a number, read as text"),
        (json!({ "task_id": "" }), "task_id: missing, taken as a task of its own"),
        (json!({ "project_id": null }), "project_id: missing, taken as default"),
        (json!({ "project_id": "My Shop" }), "project_id: \"My Shop\" cannot be an id, taken as my-shop"),
        (json!({ "outputs": ["a"] }), "outputs[0]: not an object, left out"),
        (json!({ "inputs": ["b"] }), "inputs[0]: a bare id, read as consumed"),
        (json!({ "inputs_consumed": [7] }), "inputs_consumed[0]: not an id, left out"),
        (json!({ "tokens_input": "12" }), "tokens_input: a text, read as 12"),
        (json!({ "tokens_input": -1 }), "tokens_input: not a number, left out"),
        (json!({ "tokens_input": 1e3 }), "tokens_input: not a whole number, read as 1000"),
        (json!({ "confidence": "high" }), "confidence: not a number, left out"),
        (
            json!({ "inputs": [{"artifact_id": "b", "relationship": "borrowed"}] }),
            "inputs[0].relationship: \"borrowed\" is not known, read as consumed",
        ),
        (
            json!({ "verification": {"status": "quarantined"} }),
            "verification.status: \"quarantined\" is not known, read as pending",
        ),
        (
            json!({ "taint": {"is_tainted": "false"} }),
            "taint.is_tainted: neither true nor false, read as true",
        ),
        (
            json!({ "taint": {"is_tainted": true, "is_suspect": true} }),
            "taint.is_suspect: tainted already, read as false",
        ),
    ] {
        assert_eq!(repairs(changed.clone()).as_deref(), Some(told), "{changed}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_place() {
    for (body, told) in [
        (json!([]), "must be an object"),
        (record(json!({ "outputs": null })), "outputs: must be a list"),
        (record(json!({ "inputs": "b" })), "inputs: must be a list"),
        (record(json!({ "taint": "yes" })), "taint: must be an object"),
        (record(json!({ "prompt_template": null })), "prompt_template: must be an object"),
        (record(json!({ "metrics": [] })), "metrics: must be an object"),
        (record(json!({ "created_at": "yesterday" })), "created_at: must be an ISO 8601 time"),
        (record(json!({ "created_at": 1_767_960_000 })), "created_at: must be an ISO 8601 time"),
        (record(json!({ "taint": {"tainted_at": 1} })), "taint.tainted_at: must be an ISO 8601 time"),
        (record(json!({ "verification_status": 1 })), "verification_status: must be text"),
        (record(json!({ "id": "i".repeat(256) })), "id: must have 1 to 255 characters"),
    ] {
        assert_eq!(read(&body).unwrap_err().to_string(), told, "{body}");
    }
    let long = read(&record(json!({ "outputs": [{"artifact_id": "a".repeat(256)}] })));
    assert!(long.unwrap_err().to_string().starts_with("outputs[0].artifact_id: "));
}

#[test]
fn the_newer_place_counts_unless_it_says_nothing() {
    let verdict = |newer: &str, older: &str| {
        let changed = json!({ "verification": {"status": newer}, "verification_status": older });
        read(&record(changed)).unwrap().verdict.map(|verdict| verdict.outcome)
    };
    assert_eq!(verdict("failed", "passed"), Some(Outcome::Failed));
    assert_eq!(verdict("pending", "passed"), Some(Outcome::Passed));
    assert_eq!(verdict("pending", "verified"), None);
    assert_eq!(verdict("human_approved", ""), Some(Outcome::HumanApproved));
    // A mark is no verdict, and a word where a verdict should stand is no mark.
    let tainted = read(&record(json!({ "verification_status": "tainted" }))).unwrap();
    assert_eq!((tainted.verdict, tainted.marks.is_tainted), (None, false));

    let twice = json!({ "model_used": "older", "execution": {"model": ""}, "metrics": {"tokens_input": 0},
        "tokens_input": 7 });
    let report = read(&record(twice)).unwrap().reported.report;
    assert_eq!((report.model_used.as_deref(), report.tokens_input), (Some("older"), Some(7)));
}

#[test]
fn inputs_of_both_lists_are_one() {
    let both = json!({ "inputs": [{"artifact_id": "b", "relationship": "referenced"}],
        "inputs_consumed": ["c", "b", "c"] });
    let inputs: Vec<_> = read(&record(both)).unwrap().reported.inputs().collect();
    let inputs: Vec<_> =
        inputs.iter().map(|(_, input)| (input.artifact_id.as_str(), input.relationship.as_str())).collect();
    assert_eq!(inputs, [("b", "referenced"), ("c", "consumed")]);
}

#[test]
fn trust_is_no_part_of_what_may_not_change() {
    let digest = |changed: Value| read(&record(changed)).unwrap().digest;
    let marked = json!({ "taint": {"is_tainted": true}, "verification_status": "passed" });
    assert_eq!(digest(json!({})), digest(marked));
    assert_ne!(digest(json!({})), digest(json!({ "notes": 1 })));
}

#[test]
fn times_are_read_in_every_form_that_was_written() {
    for text in [
        "2026-01-09T10:00:00",
        "2026-1-9 10:0",
        "2026-01-09T12:00:00+02:00",
        "20260109T10",
        "2026-W02-5x10:00",
    ] {
        assert_eq!(parse_time(text).unwrap().to_string(), "2026-01-09T10:00:00.000000Z", "{text}");
    }
    assert_eq!(parse_time("2026-01-09").unwrap().to_string(), "2026-01-09T00:00:00.000000Z");
    assert_eq!(parse_time("yesterday"), None);
}
