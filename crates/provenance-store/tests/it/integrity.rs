//! What was written is verified, and every way to tamper with it is found.

use proptest::prelude::Strategy;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::TestRunner;
use protocol::provenance_query::integrity::{ChainHead, FindingKind, VerifyPlace, VerifyQuery};
use protocol::{Event, ProvenanceId, TaskId};
use provenance_store::integrity::verify;
use serde_json::json;
use uuid::Uuid;

use crate::events::{event, output_data, status, validated};
use crate::fixture::Store;
use crate::marks::{cleared, tainted, work};

/// What is wrong, and with which record.
pub(crate) type Finding = (FindingKind, Option<ProvenanceId>);

/// What the verification of a project shows, from its beginning to its end.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    revisions: u64,
    records: u64,
    pub(crate) findings: Vec<Finding>,
    head: Option<ChainHead>,
}

pub(crate) async fn verify_all(store: &Store, project_id: &str, limit: u32) -> Verified {
    let mut verified = Verified::default();
    let mut after: Option<VerifyPlace> = None;
    for _ in 0..1_000 {
        let query = VerifyQuery { project_id: project_id.parse().unwrap(), limit, after };
        let page = verify(&mut *store.connection().await, query).await.unwrap();
        verified.revisions += page.revisions;
        verified.records += page.records;
        verified.findings.extend(page.findings.into_iter().map(|found| (found.kind, found.provenance_id)));
        verified.head = page.head.or(verified.head);
        match page.next {
            Some(next) => after = Some(next),
            None => return verified,
        }
    }
    panic!("the verification does not come to an end");
}

/// An attempt's whole story: reported twice, judged, and filled in by the gateway.
fn story(task: Uuid) -> Vec<Event> {
    let mut data = output_data(task, 1, &format!("first-{task}"), &["spec", "plan"]);
    data["output"]["artifacts"][0]["checksum"] = json!("00");
    vec![
        event("task.output.created", 10, data),
        event("task.output.created", 12, output_data(task, 1, &format!("second-{task}"), &["spec"])),
        event("task.completed", 13, json!({"task_id": task, "attempt": 1, "agent_id": "agent"})),
        validated(task, 1, 14),
        status(task, 1, 3, "running", "executing", 2),
    ]
}

/// A project with some records; their tasks in the order of the records.
async fn project(store: &Store, records: usize) -> Vec<Uuid> {
    let mut tasks = Vec::new();
    for _ in 0..records {
        let task = Uuid::now_v7();
        for event in story(task) {
            store.apply([event]).await;
        }
        tasks.push(task);
    }
    tasks
}

#[tokio::test]
async fn what_was_written_is_verified_whatever_the_order_of_events_and_the_size_of_portions() {
    let store = Store::create("provenance_verified").await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let plan = Just(story(Uuid::now_v7())).prop_shuffle();
        let events = plan.new_tree(&mut runner).unwrap().current();
        let (first, rest) = events.split_at(2);
        store.apply(first.to_vec()).await;
        store.apply(rest.to_vec()).await;
    }
    // Numbers that the database writes in its own way.
    let used = json!({"load": -0.0, "big": 1e19, "huge": 1e300, "part": 0.1, "whole": 100.0});
    let result =
        json!({"task_id": Uuid::now_v7(), "attempt": 1, "project_id": "shop", "resources_used": used});
    store.apply([event("task.completed", 5, result)]).await;
    let whole = verify_all(&store, "shop", 2_000).await;
    assert_eq!(whole.findings, []);
    assert_eq!(whole.records, 7);
    let head = whole.head.unwrap();
    assert_eq!(head.length, whole.revisions);
    for limit in [1, 2, 3] {
        let portions = verify_all(&store, "shop", limit).await;
        assert_eq!((portions.findings, portions.records, portions.revisions), (vec![], 7, whole.revisions));
        assert_eq!(portions.head.as_ref(), Some(&head));
    }
    let nothing = verify_all(&store, "empty", 10).await;
    assert_eq!((nothing.findings, nothing.head), (vec![], None));
}

#[tokio::test]
async fn the_end_of_a_chain_moves_with_every_revision_and_with_nothing_else() {
    let store = Store::create("provenance_head").await;
    let task = Uuid::now_v7();
    let mut heads = Vec::new();
    for event in story(task) {
        store.apply([event.clone()]).await;
        heads.push(verify_all(&store, "shop", 100).await.head);
        store.apply([event]).await;
        assert_eq!(&verify_all(&store, "shop", 100).await.head, heads.last().unwrap(), "a redelivery");
    }
    assert_eq!(heads[3], None, "nobody knew the project");
    assert!(heads[4].is_some());
    store.apply([event("task.rejected", 9, json!({"task_id": task, "attempt": 1}))]).await;
    let judged = verify_all(&store, "shop", 100).await;
    assert_eq!((judged.head.unwrap().length, judged.findings), (2, vec![]));
    let causes = "SELECT cause || ' ' || verdict FROM record_revisions ORDER BY project_id, position";
    assert_eq!(
        store.lines(causes).await,
        ["reported pending", "reported pending", "judged passed", "announced passed", "judged failed"]
    );
}

#[tokio::test]
async fn every_way_to_tamper_is_found() {
    let store = Store::create("provenance_tamper").await;
    let tasks = project(&store, 4).await;
    let id = |index: usize| Some(ProvenanceId::of_attempt(TaskId(tasks[index]), 1));
    let record = format!("task_id = '{}'", tasks[1]);
    let seq = format!("(SELECT seq FROM provenance_records WHERE {record})");
    let edit = |what: &str| format!("UPDATE provenance_records SET {what} WHERE {record}");
    let altered = [(FindingKind::Altered, id(1))];
    let cases: Vec<(String, Vec<Finding>)> = vec![
        (edit("model_used = 'another'"), altered.to_vec()),
        (edit("tokens_output = 1"), altered.to_vec()),
        (edit("verdict = 'failed'"), altered.to_vec()),
        (edit("verification = verification || '{\"score\": 1}'"), altered.to_vec()),
        (edit("created_at = created_at - interval '1 hour'"), altered.to_vec()),
        (edit("worker_id = NULL"), altered.to_vec()),
        // The edges do not follow from what is told to have been used any more.
        (edit("inputs = '[]'"), vec![altered[0], altered[0]]),
        (edit("inputs = '[7]'"), altered.to_vec()),
        (edit("tier = 'large'"), altered.to_vec()),
        (edit("project_id = 'elsewhere'"), altered.to_vec()),
        (edit("chain_position = 1"), vec![(FindingKind::Altered, id(1)), (FindingKind::Added, id(1))]),
        (
            format!("UPDATE artifacts SET checksum = 'ff' WHERE producer_seq = {seq}"),
            altered.to_vec(),
        ),
        (
            format!("DELETE FROM artifacts WHERE producer_seq = {seq} AND artifact_id LIKE 'second%'"),
            altered.to_vec(),
        ),
        (
            format!("UPDATE artifacts SET producer_seq = NULL, produced_at = NULL, reported_by = NULL
                 WHERE producer_seq = {seq} AND artifact_id LIKE 'second%'"),
            altered.to_vec(),
        ),
        (
            format!("DELETE FROM artifacts WHERE producer_seq = {seq}; DELETE FROM provenance_records WHERE {record}"),
            vec![(FindingKind::Removed, id(1))],
        ),
        // The tracks of the removal covered, but for the place in the chain.
        (
            format!("DELETE FROM record_revisions WHERE record_seq = {seq}; DELETE FROM artifacts
                 WHERE producer_seq = {seq}; DELETE FROM provenance_records WHERE {record}"),
            vec![(FindingKind::Removed, None)],
        ),
        // A link that is not the last.
        ("DELETE FROM record_revisions WHERE project_id = 'shop' AND position = 2".to_owned(),
         vec![(FindingKind::Removed, None), (FindingKind::Added, id(1))]),
        // The end of the chain.
        ("DELETE FROM record_revisions WHERE project_id = 'shop' AND position = 4".to_owned(),
         vec![(FindingKind::Removed, None), (FindingKind::Added, id(3))]),
        ("UPDATE record_chains SET head = sha256('x') WHERE project_id = 'shop'".to_owned(),
         vec![(FindingKind::Reordered, None)]),
        // Two links in each other's place, and what they are about with them.
        ("UPDATE record_revisions SET position = position + 100 WHERE project_id = 'shop' AND position IN (1, 2);
          UPDATE record_revisions SET position = CASE position WHEN 101 THEN 2 ELSE 1 END WHERE project_id = 'shop' AND position > 100;
          UPDATE provenance_records SET chain_position = 3 - chain_position WHERE chain_position IN (1, 2)
            AND project_id = 'shop'".to_owned(),
         vec![(FindingKind::Reordered, id(1)), (FindingKind::Reordered, id(0)), (FindingKind::Reordered, id(2))]),
        (format!("INSERT INTO provenance_records (provenance_id, task_id, attempt, report_kind, reported_at,
             reported_by, project_id, inputs_read_at, content_digest)
             VALUES ('{}', '{}', 1, 'output', now(), gen_random_uuid(), 'shop', now(), sha256('x'))",
             Uuid::from_u128(7), Uuid::from_u128(8)),
         vec![(FindingKind::Added, Some(ProvenanceId(Uuid::from_u128(7))))]),
    ];
    for (tampering, expected) in cases {
        tamper(&store, &tampering).await;
        let found = verify_all(&store, "shop", 100).await.findings;
        assert_eq!(found, expected, "{tampering}");
        if !expected.is_empty() {
            assert_ne!(verify_all(&store, "shop", 1).await.findings, [], "{tampering}");
        }
        restore(&store).await;
    }
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}

/// A chain of records, of which the first is tainted, the second suspect and the third cleared.
async fn marked_project(store: &Store) {
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
    let as_before = "UPDATE taint_events SET project_id = '';
        DELETE FROM record_revisions WHERE cause = 'marked';
        UPDATE record_chains chain SET length = last.position, head = last.hash
        FROM (SELECT DISTINCT ON (project_id) project_id, position, hash FROM record_revisions
            ORDER BY project_id, position DESC) last WHERE chain.project_id = last.project_id";
    store.database.client().await.batch_execute(as_before).await.unwrap();
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    store.order(tainted(20, "d")).await;
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}

const TABLES: [&str; 7] = [
    "provenance_records",
    "artifacts",
    "record_revisions",
    "record_chains",
    "taint_events",
    "artifact_marks",
    "artifact_dependencies",
];

/// Keeps everything as it is and changes it then. Whoever tampers does not care for constraints either.
async fn tamper(store: &Store, tampering: &str) {
    let client = store.database.client().await;
    client.batch_execute("CREATE SCHEMA kept").await.unwrap();
    for table in TABLES {
        client.batch_execute(&format!("CREATE TABLE kept.{table} AS TABLE {table}")).await.unwrap();
    }
    client
        .batch_execute(&format!("SET session_replication_role = replica; {tampering}"))
        .await
        .unwrap_or_else(|error| panic!("{tampering}: {error}"));
}

/// Puts everything back as it was kept.
async fn restore(store: &Store) {
    let client = store.database.client().await;
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for table in TABLES {
        let columns = client
            .query_one(
                "SELECT string_agg(column_name, ', ') FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'",
                &[&table],
            )
            .await
            .unwrap();
        let columns: String = columns.get(0);
        let restore = format!(
            "DELETE FROM {table};
             INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{table}"
        );
        client.batch_execute(&restore).await.unwrap();
    }
    client.batch_execute("DROP SCHEMA kept CASCADE").await.unwrap();
}

#[tokio::test]
async fn a_record_that_moves_to_another_project_stays_verified_in_both() {
    let store = Store::create("provenance_moved").await;
    let task = Uuid::now_v7();
    let told = |project: &str, second| {
        let mut data = output_data(task, 1, "a", &[]);
        data["project_id"] = json!(project);
        event("task.output.created", second, data)
    };
    store.apply([told("later", 20)]).await;
    store.apply([told("earlier", 10)]).await;
    assert_eq!(store.record(task).await.project_id.unwrap().as_str(), "earlier", "the first report counts");
    for project in ["later", "earlier"] {
        let verified = verify_all(&store, project, 100).await;
        assert_eq!((verified.findings, verified.revisions), (vec![], 1), "{project}");
    }
}
