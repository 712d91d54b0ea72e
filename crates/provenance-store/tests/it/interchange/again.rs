//! What was imported comes again: a batch whose answer was lost, files that tell something else by now, files that want
//! the same name.

use protocol::provenance_query::{ImportOutcome, ImportedLine};
use serde_json::{Value, json};
use uuid::Uuid;

use super::count;
use super::samples::sample_lines;
use crate::events::event;
use crate::fixture::Store;
use crate::marks::work;

fn line(kind: &str, file: &str, body: &Value) -> String {
    json!({ "kind": kind, "file": file, "body": body }).to_string()
}

fn record(id: &str, members: Value) -> Value {
    let mut body = json!({ "id": id, "task_id": id, "project_id": "p", "outputs": [{"artifact_id": id}] });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

fn told(lines: &[ImportedLine]) -> Vec<(ImportOutcome, Option<&str>)> {
    lines.iter().map(|line| (line.outcome, line.reason.as_deref())).collect()
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_answered_as_the_first_time() {
    let store = Store::create("interchange_lost").await;
    let mut lines = sample_lines();
    // Twice in one import: only the first is new.
    lines.push(lines[0].clone());
    let import = Some(Uuid::now_v7());
    let (before, batch) = lines.split_at(30);
    store.import_portion(import, 1, before).await;
    let first = store.import_portion(import, 31, batch).await.lines;
    assert_eq!(first.lines.last().unwrap().outcome, ImportOutcome::Unchanged);
    assert!(count(&first.lines, ImportOutcome::Repaired) > 2);
    let again = store.import_portion(import, 31, batch).await;
    assert_eq!(again.lines, first);
    assert!(again.follow.is_empty());
    let another = store.import_portion(Some(Uuid::now_v7()), 31, batch).await.lines;
    assert_eq!(count(&another.lines, ImportOutcome::Imported), 0);
    assert_eq!(count(&another.lines, ImportOutcome::Repaired), 0);
}

#[tokio::test]
async fn the_projects_of_what_is_here_are_told_again() {
    let store = Store::create("interchange_projects").await;
    let checkpoint = json!({ "id": "c", "project_id": "q", "created_at": "2026-01-09" });
    let lines = [
        line("record", "a.json", &record("a", json!({}))),
        line("checkpoint", "checkpoints.json", &checkpoint),
    ];
    for outcome in [ImportOutcome::Imported, ImportOutcome::Unchanged] {
        let imported = store.import_portion(Some(Uuid::now_v7()), 1, &lines).await.lines;
        assert_eq!(count(&imported.lines, outcome), 2);
        assert_eq!(imported.projects.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["p", "q"]);
    }
    let other = [line("record", "a.json", &record("a", json!({"project_id": "r"})))];
    assert_eq!(store.import_portion(None, 1, &other).await.lines.projects, [], "it was refused");
}

#[tokio::test]
async fn what_is_told_otherwise_than_it_is_here_is_noted() {
    let store = Store::create("interchange_noted").await;
    let passed = json!({ "verification": {"status": "passed"} });
    store.import_one("record", "a.json", record("a", passed.clone())).await;
    let marks = "here already; its marks differ, those here were kept";
    let verdict = "here already; its verdict differs, the one here was kept";
    let both = "here already; its marks and its verdict differ, those here were kept";
    for (members, note) in [
        (passed, None),
        (json!({}), Some(verdict)),
        (json!({ "verification_status": "failed" }), Some(verdict)),
        (json!({ "verification": {"status": "passed"}, "taint": {"is_suspect": true} }), Some(marks)),
        (json!({ "verification": {"status": "failed"}, "taint": {"is_tainted": true} }), Some(both)),
        // A mark in a verdict's place says nothing of the verdict.
        (json!({ "verification": {"status": "tainted"}, "taint": {"is_tainted": true} }), Some(marks)),
    ] {
        let again = store.import_one("record", "a.json", record("a", members.clone())).await;
        assert_eq!((again.outcome, again.reason.as_deref()), (ImportOutcome::Unchanged, note), "{members}");
    }
    let twice = [
        line("record", "b.json", &record("b", json!({}))),
        line("record", "b.json", &record("b", json!({ "verification_status": "failed" }))),
    ];
    let twice = store.import(&twice, 2).await;
    assert_eq!(told(&twice)[1], (ImportOutcome::Unchanged, Some(verdict)));

    let checkpoint = |is_valid: bool| {
        let body = json!({ "id": "c", "project_id": "p", "created_at": "2026-01-09", "is_valid": is_valid });
        line("checkpoint", "checkpoints.json", &body)
    };
    let validity = "here already; its is_valid differs, the one here was kept";
    let lines = [checkpoint(true), checkpoint(false), checkpoint(true)];
    let expected = [
        (ImportOutcome::Imported, None),
        (ImportOutcome::Unchanged, Some(validity)),
        (ImportOutcome::Unchanged, None),
    ];
    assert_eq!(told(&store.import(&lines, 3).await), expected);
    assert_eq!(told(&store.import(&lines, 1).await)[1..], expected[1..]);
}

#[tokio::test]
async fn a_verdict_that_was_found_out_here_counts_and_its_file_is_noted() {
    let store = Store::create("interchange_judged").await;
    store.apply([work(1, "a", &[])]).await;
    let before = store.export("shop").await[0]["body"].clone();
    let task = store.record("a").await.task_id;
    let data = json!({ "task_id": task, "attempt": 1, "artifact_id": "a" });
    store.apply([event("task.validated", 2, data)]).await;
    let note = "here already; its verdict differs, the one here was kept";
    assert_eq!(store.import_one("record", "a.json", before).await.reason.as_deref(), Some(note));
    let exported = store.export("shop").await[0]["body"].clone();
    assert_eq!(store.import_one("record", "a.json", exported).await.reason, None);
}

#[tokio::test]
async fn a_record_whose_names_are_taken_gets_one_that_is_free() {
    let store = Store::create("interchange_names").await;
    let [first, second, third] =
        ["11111111", "22222222", "33333333"].map(|part| format!("{part}-0000-4000-8000-000000000000"));
    let named = |id: &str| format!("{id}.json");
    // Another has the name that the second came with, and its spare name is the same.
    let lines = [
        line("record", &named(&second), &record(&first, json!({}))),
        line("record", &format!("{second}-2.json"), &record("other", json!({}))),
        line("record", &named(&second), &record(&second, json!({}))),
        line("record", &named(&second), &record(&third, json!({}))),
    ];
    for (store, batch) in [(&store, 1), (&Store::create("interchange_names_at_once").await, 9)] {
        let outcomes = store.import(&lines, batch).await;
        assert_eq!(count(&outcomes, ImportOutcome::Imported), 4, "{outcomes:?}");
        let exported = store.export("p").await;
        let names: Vec<&str> = exported.iter().map(|line| line["file"].as_str().unwrap()).collect();
        let expected =
            [named(&second), format!("{second}-2.json"), format!("{second}-3.json"), named(&third)];
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_checkpoint_without_an_id_is_known_by_its_key() {
    let store = Store::create("interchange_keys").await;
    let line = |key: Value, id: Value| {
        let body = json!({ "id": id, "project_id": "p", "created_at": "2026-01-09T20:30:58" });
        json!({ "kind": "checkpoint", "file": "checkpoints.json", "key": key, "body": body }).to_string()
    };
    let repaired = (ImportOutcome::Repaired, Some("id: missing, taken from its key"));
    let refused = (ImportOutcome::Refused, Some("id: must have 1 to 255 characters"));
    let lines = [line(json!("c"), Value::Null), line(Value::Null, Value::Null), line(json!("d"), json!("e"))];
    let outcomes = store.import(&lines, 3).await;
    assert_eq!(told(&outcomes), [repaired, refused, (ImportOutcome::Imported, None)]);
    assert_eq!(outcomes[0].id.as_deref(), Some("c"));
    let exported = store.export("p").await;
    let keys: Vec<_> = exported.iter().map(|line| (&line["key"], &line["body"]["id"])).collect();
    assert_eq!(keys, [(&json!("c"), &Value::Null), (&Value::Null, &json!("e"))]);
    let lines: Vec<String> = exported.iter().map(Value::to_string).collect();
    assert_eq!(count(&store.import(&lines, 1).await, ImportOutcome::Unchanged), 2);
}
