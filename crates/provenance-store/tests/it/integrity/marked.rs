//! Every way to tamper with marks, their account and edges is found, and no honest change of them is taken for one.

use protocol::provenance_query::integrity::FindingKind;
use serde_json::json;
use uuid::Uuid;

use super::tampering::{restore, tamper};
use super::{UNOWNED, verify_all};
use crate::events::event;
use crate::fixture::Store;
use crate::marks::{cleared, tainted, work};

/// A chain of records, of which the first is tainted, the second suspect and the third cleared.
pub(super) async fn marked_project(store: &Store) {
    for (second, (output, input)) in (1..).zip([("a", "raw"), ("b", "a"), ("c", "b"), ("d", "c")]) {
        store.apply([work(second, output, &[input])]).await;
    }
    store.order(tainted(10, "a")).await;
    store.order(cleared(11, "c")).await;
    let marked = "SELECT artifact_id || ' ' || status FROM provenance_records record
        JOIN artifacts ON producer_seq = record.seq ORDER BY 1";
    assert_eq!(store.lines(marked).await, ["a tainted", "b suspect", "c pending", "d pending"]);
}

#[tokio::test]
async fn every_way_to_tamper_with_marks_and_edges_is_found() {
    let store = Store::create("provenance_tamper_marks").await;
    marked_project(&store).await;
    let of = |artifact: &str| {
        format!("seq = (SELECT producer_seq FROM artifacts WHERE artifact_id = '{artifact}')")
    };
    let set =
        |artifact: &str, what: &str| format!("UPDATE provenance_records SET {what} WHERE {}", of(artifact));
    let node = |artifact: &str| format!("(SELECT id FROM artifacts WHERE artifact_id = '{artifact}')");
    let edge = format!("input_id = {} AND output_id = {}", node("b"), node("c"));
    let (altered, removed, added) = (FindingKind::Altered, FindingKind::Removed, FindingKind::Added);
    let cases = [
        ("UPDATE taint_events SET reason = 'nothing' WHERE id = 1".to_owned(), altered),
        ("UPDATE taint_events SET at = at + interval '1 second' WHERE id = 2".to_owned(), altered),
        ("UPDATE taint_events SET depth = 7 WHERE id = 2".to_owned(), altered),
        ("UPDATE taint_events SET project_id = 'elsewhere'".to_owned(), removed),
        ("DELETE FROM taint_events WHERE id = 1".to_owned(), removed),
        ("DELETE FROM taint_events WHERE id = 3".to_owned(), altered),
        ("DELETE FROM taint_events".to_owned(), removed),
        (
            "UPDATE taint_events one SET artifact_id = other.artifact_id, record_seq = other.record_seq
                FROM taint_events other WHERE one.id IN (2, 3) AND other.id = 5 - one.id"
                .to_owned(),
            altered,
        ),
        (
            "INSERT INTO taint_events (at, action, artifact_id, record_seq, project_id)
          SELECT at, 'clear', artifact_id, record_seq, project_id FROM taint_events WHERE id = 1"
                .to_owned(),
            added,
        ),
        (set("a", "is_tainted = false"), altered),
        (set("a", "tainted_reason = 'nothing'"), altered),
        (set("a", "tainted_at = now()"), altered),
        (set("a", "tainted_at = NULL"), altered),
        (set("a", "tainted_by = 'somebody else'"), altered),
        (set("a", "cascade_id = 'another'"), altered),
        (set("a", "cascade_id = NULL"), altered),
        (set("a", "rollback_id = gen_random_uuid()"), altered),
        (set("b", "is_suspect = false"), altered),
        (set("d", "is_suspect = true"), altered),
        ("DELETE FROM artifact_marks".to_owned(), altered),
        (
            format!(
                "INSERT INTO artifact_marks (node_id, kind, wave, cascade_id, marked_at)
          VALUES ({}, 'tainted', 1, '', now())",
                node("d")
            ),
            altered,
        ),
        (
            format!(
                "INSERT INTO artifact_marks (node_id, kind, wave, cascade_id, marked_at)
          VALUES ({}, 'suspect', 99, 'c-9', now())",
                node("d")
            ),
            altered,
        ),
        (format!("DELETE FROM artifact_dependencies WHERE {edge}"), altered),
        (format!("UPDATE artifact_dependencies SET relationship = 'referenced' WHERE {edge}"), altered),
        (format!("UPDATE artifact_dependencies SET input_id = {} WHERE {edge}", node("a")), altered),
        (
            format!(
                "INSERT INTO artifact_dependencies (input_id, output_id, relationship)
          VALUES ({}, {}, 'consumed')",
                node("a"),
                node("d")
            ),
            altered,
        ),
    ];
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    for (tampering, expected) in cases {
        tamper(&store, &tampering).await;
        for limit in [100, 1] {
            let found = verify_all(&store, "shop", limit).await.findings;
            assert!(found.iter().any(|(kind, _)| *kind == expected), "{tampering}: {found:?}");
        }
        restore(&store).await;
    }
    assert_eq!(verify_all(&store, "shop", 1).await.findings, []);
}

#[tokio::test]
async fn what_was_marked_before_marks_were_sealed_stays_verified() {
    let store = Store::create("provenance_unsealed").await;
    marked_project(&store).await;
    // As the version before left it: no project with the rows of the account, and no seals.
    let as_before = "UPDATE taint_events SET project_id = '', taint = NULL;
        DELETE FROM record_revisions WHERE cause = 'marked';
        UPDATE record_chains chain SET length = last.position, head = last.hash
        FROM (SELECT DISTINCT ON (project_id) project_id, position, hash FROM record_revisions
            ORDER BY project_id, position DESC) last WHERE chain.project_id = last.project_id";
    store.database.client().await.batch_execute(as_before).await.unwrap();
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    assert_eq!(verify_all(&store, UNOWNED, 100).await.findings, []);
    store.order(tainted(20, "d")).await;
    store.order(tainted(21, "raw")).await;
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    assert_eq!(verify_all(&store, UNOWNED, 100).await.findings, []);
}

#[tokio::test]
async fn taints_by_somebody_taken_back_cleared_and_told_again_stay_verified() {
    let store = Store::create("provenance_taints").await;
    marked_project(&store).await;
    let by = json!({"artifact_id": "d", "reason": "wrong", "cascade_id": "c-2", "source_id": "raw"});
    store.order(event("artifact.tainted", 12, by)).await;
    let checkpoint = Uuid::now_v7();
    let wanted = json!({"checkpoint_id": checkpoint, "project_id": "shop"});
    store.order(event("checkpoint.requested", 13, wanted)).await;
    store.apply([work(14, "e", &["d"]), work(15, "f", &["a"])]).await;
    store.order(tainted(16, "f")).await;
    let back = json!({"rollback_id": Uuid::now_v7(), "checkpoint_id": checkpoint, "reason": "wrong turn"});
    store.order(event("rollback.requested", 17, back)).await;
    let taken_back = "SELECT count(*)::text FROM provenance_records WHERE rollback_id IS NOT NULL";
    assert_eq!(store.lines(taken_back).await, ["2"]);
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    store.order(cleared(18, "f")).await;
    store.order(cleared(19, "d")).await;
    store.order(tainted(20, "f")).await;
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}

#[tokio::test]
async fn marks_of_what_nobody_produced_and_records_of_no_project_are_verified() {
    let store = Store::create("provenance_unowned").await;
    marked_project(&store).await;
    for (second, artifact) in [(20, "raw"), (21, "ore"), (23, "coal")] {
        store.order(tainted(second, artifact)).await;
    }
    store.order(cleared(22, "ore")).await;
    let suspect = json!({"artifact_id": "sand", "cascade_id": "c-3"});
    store.order(event("artifact.suspect", 24, suspect)).await;
    let loose = json!({"task_id": Uuid::now_v7(), "attempt": 1, "agent_id": "agent"});
    store.apply([event("task.completed", 25, loose)]).await;
    for limit in [100, 1] {
        let verified = verify_all(&store, UNOWNED, limit).await;
        assert_eq!((verified.findings, verified.records), (vec![], 1), "{limit}");
    }
    let node =
        |artifact: &str| format!("node_id = (SELECT id FROM artifacts WHERE artifact_id = '{artifact}')");
    let cases = [
        format!("DELETE FROM artifact_marks WHERE {}", node("raw")),
        format!(
            "DELETE FROM artifact_marks WHERE {}; DELETE FROM taint_events WHERE artifact_id = 'raw'",
            node("raw")
        ),
        format!("UPDATE artifact_marks SET reason = 'nothing' WHERE {}", node("coal")),
        "INSERT INTO artifact_marks (node_id, kind, wave, cascade_id, marked_at)
            SELECT id, 'tainted', 99, 'c-9', now() FROM artifacts WHERE artifact_id = 'ore'"
            .to_owned(),
        "DELETE FROM taint_events WHERE artifact_id = 'ore' AND action = 'clear'".to_owned(),
        "INSERT INTO taint_events (at, action, artifact_id) VALUES (now(), 'clear', 'raw')".to_owned(),
        "UPDATE provenance_records SET worker_id = 'another' WHERE project_id IS NULL".to_owned(),
        "DELETE FROM provenance_records WHERE project_id IS NULL".to_owned(),
        "INSERT INTO provenance_records (provenance_id, task_id, attempt, report_kind, reported_at, reported_by,
            inputs_read_at, content_digest)
         VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'output', now(), gen_random_uuid(), now(), sha256('x'))"
            .to_owned(),
    ];
    for tampering in cases {
        tamper(&store, &tampering).await;
        for limit in [100, 1] {
            let found = verify_all(&store, UNOWNED, limit).await.findings;
            assert_ne!(found, [], "{tampering}");
            assert!(found.iter().all(|(kind, _)| *kind != FindingKind::Reordered), "{tampering}: {found:?}");
        }
        restore(&store).await;
    }
    assert_eq!(verify_all(&store, UNOWNED, 100).await.findings, []);
}
