//! Marks and checkpoints that came with files: they count here as those that were set here.

use protocol::provenance_query::{CheckpointView, ImportOutcome};
use provenance_store::checkpoints;
use serde_json::{Value, json};

use super::count;
use crate::events::event;
use crate::fixture::Store;
use crate::integrity::verify_all;
use crate::marks::{cleared, tainted, work};

#[tokio::test]
async fn marks_and_checkpoints_that_were_made_here_travel_to_another_store_and_back() {
    let (here, there) = tokio::join!(Store::create("interchange_made"), Store::create("interchange_taken"));
    here.apply([work(1, "a", &[]), work(2, "b", &["a"]), work(3, "c", &["b"])]).await;
    let checkpoint =
        json!({ "checkpoint_id": uuid::Uuid::now_v7(), "project_id": "shop", "description": "good" });
    here.order(event("checkpoint.requested", 4, checkpoint)).await;
    here.order(tainted(5, "a")).await;
    here.order(cleared(6, "b")).await;
    let exported = here.export("shop").await;
    let kinds = |kind: &str| exported.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((kinds("record"), kinds("checkpoint"), kinds("taint_event")), (3, 1, 5));
    let taint = &exported[4]["body"];
    assert_eq!(
        (&taint["action"], &taint["artifact_id"], &taint["reason"]),
        (&json!("taint"), &json!("a"), &json!("wrong"))
    );
    let record = here.record("a").await.id.to_string();
    assert_eq!((&taint["provenance_id"], &taint["cascade_id"]), (&json!(record), &json!("c-1")));

    let lines: Vec<String> = exported.iter().map(Value::to_string).collect();
    assert_eq!(count(&there.import(&lines, 4).await, ImportOutcome::Imported), lines.len());
    assert_eq!(there.export("shop").await, exported);
    for store in [&here, &there] {
        assert_eq!(count(&store.import(&lines, 5).await, ImportOutcome::Unchanged), lines.len());
        assert_eq!(store.export("shop").await, exported);
        assert_eq!(verify_all(store, "shop", 3).await.findings, []);
    }
}

#[tokio::test]
async fn a_checkpoint_from_a_file_can_be_returned_to() {
    let store = Store::create("interchange_checkpoints").await;
    let record = |id: &str, times: Value| {
        let mut body = json!({ "id": id, "task_id": format!("task-{id}"), "project_id": "p",
            "outputs": [{"artifact_id": format!("art-{id}")}] });
        body.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        json!({ "kind": "record", "file": format!("{id}.json"), "body": body })
    };
    let checkpoint = |id: &str, time: &str, is_valid: bool| {
        json!({ "kind": "checkpoint", "file": "checkpoints.json", "body": { "id": id, "project_id": "p",
            "created_at": time, "provenance_count": 1, "description": id, "trigger": "milestone", "is_valid": is_valid } })
    };
    let at = |day: u32| format!("2026-01-{day:02}T00:00:00");
    // In whatever order the files come; one does not say when it was made, and is never later.
    let lines = [
        record("later", json!({"created_at": at(20)})),
        record("ageless", json!({"completed_at": at(25)})),
        record("earlier", json!({"created_at": at(5)})),
        record("same", json!({"created_at": at(10)})),
        checkpoint("after", &at(15), true),
        checkpoint("good", &at(10), true),
        checkpoint("given-up", &at(3), false),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    assert_eq!(count(&store.import(&lines, 2).await, ImportOutcome::Imported), lines.len());
    let listed = async || {
        let project = "p".parse().unwrap();
        checkpoints::list_checkpoints(&mut *store.connection().await, &project).await.unwrap()
    };
    let shown = |views: Vec<CheckpointView>| -> Vec<_> {
        views.into_iter().map(|view| (view.description, view.is_valid)).collect()
    };
    let named = |name: &str, is_valid| (name.to_owned(), is_valid);
    let views = listed().await;
    let good = views.iter().find(|view| view.description == "good").unwrap().checkpoint_id;
    assert_eq!(shown(views), [named("after", true), named("good", true), named("given-up", false)]);

    let told = checkpoints::preview_rollback(&mut *store.connection().await, good).await.unwrap().unwrap();
    assert_eq!((told.records_invalidated, told.error), (1, None));
    store
        .order(event("rollback.requested", 30, json!({"checkpoint_id": good, "reason": "wrong turn"})))
        .await;
    assert!(store.record("later").await.taint.is_tainted);
    for kept in ["ageless", "earlier", "same"] {
        assert!(!store.record(kept).await.taint.is_tainted, "{kept}");
    }
    assert_eq!(shown(listed().await), [named("after", false), named("good", true), named("given-up", false)]);
    let exported = store.export("p").await;
    let after = exported.iter().find(|line| line["body"]["id"] == "after").unwrap();
    assert_eq!(after["body"]["is_valid"], false);
    assert_eq!(count(&store.import(&lines[4..], 9).await, ImportOutcome::Unchanged), 3);
    assert_eq!(shown(listed().await)[0], named("after", false), "what was found out here is kept");
    assert_eq!(verify_all(&store, "p", 9).await.findings, []);
}

#[tokio::test]
async fn imported_marks_reach_what_is_made_here_and_can_be_cleared() {
    let store = Store::create("interchange_marks").await;
    let tainted = json!({ "id": "bad", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "wrong"}],
        "taint": {"is_tainted": true, "tainted_at": "2026-01-01T00:00:00", "tainted_reason": "a bug"} });
    let suspect = json!({ "id": "doubt", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "odd"}],
        "inputs_consumed": ["wrong"], "taint": {"is_suspect": true, "suspect_source": "wrong"} });
    let cleared = json!({ "id": "good", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "fine"}],
        "inputs_consumed": ["wrong"] });
    for body in [&suspect, &tainted, &cleared] {
        store.import_one("record", &format!("{}.json", body["id"].as_str().unwrap()), body.clone()).await;
    }
    for (artifact, expected) in [("wrong", (true, false)), ("odd", (false, true)), ("fine", (false, false))] {
        let taint = store.record(artifact).await.taint;
        assert_eq!((taint.is_tainted, taint.is_suspect), expected, "{artifact}");
    }
    let made = |id: &str, input: &str, second: i64| {
        let data = json!({ "task_id": uuid::Uuid::now_v7(), "attempt": 1, "artifact_id": id, "project_id": "p",
            "inputs_consumed": [input], "output": {} });
        crate::events::event("task.output.created", second, data)
    };
    store.apply([made("of-wrong", "wrong", 1), made("of-odd", "odd", 2), made("of-fine", "fine", 3)]).await;
    for (artifact, expected) in [("of-wrong", true), ("of-odd", true), ("of-fine", false)] {
        assert_eq!(store.record(artifact).await.taint.is_suspect, expected, "{artifact}");
    }
    let clear = json!({ "artifact_id": "odd", "reason": "looked at it" });
    store.order(crate::events::event("artifact.cleared", 4, clear)).await;
    for artifact in ["odd", "of-odd"] {
        assert!(!store.record(artifact).await.taint.is_suspect, "{artifact}");
    }
    assert!(store.record("of-wrong").await.taint.is_suspect);
}

#[tokio::test]
async fn taints_that_come_with_files_are_told() {
    let store = Store::create("interchange_told").await;
    let record = |id: &str, artifact: &str, made: &str, is_tainted: bool| {
        let body = json!({ "id": id, "task_id": id, "project_id": "p", "created_at": made,
            "outputs": [{ "artifact_id": artifact }], "taint": { "is_tainted": is_tainted } });
        json!({ "kind": "record", "file": format!("{id}.json"), "body": body }).to_string()
    };
    let (early, late) = ("2026-01-01T00:00:00", "2026-02-01T00:00:00");
    let lines = [
        record("a", "wrong", early, true),
        record("b", "fine", early, false),
        record("c", "mended", early, true),
        record("d", "mended", late, false),
    ];
    let (_, follow) = store.import_and_follow(&lines, 10).await;
    let told = |kind: &str, names: Value| (format!("dats.artifact.{kind}"), names);
    let standing = || told("standing", Value::Null);
    let expected = [standing(), told("tainted", json!(["wrong"])), told("cleared", json!(["mended"]))];
    assert_eq!(follow, expected);
    let (_, follow) = store.import_and_follow(&lines, 10).await;
    assert_eq!(follow, [], "nothing new came in");
    let (_, follow) = store.import_and_follow(&[record("e", "wrong", late, false)], 1).await;
    assert_eq!(follow, [standing(), told("cleared", json!(["wrong"]))]);
}
