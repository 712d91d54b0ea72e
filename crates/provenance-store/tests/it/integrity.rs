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

/// What is wrong, and with which record.
type Finding = (FindingKind, Option<ProvenanceId>);

/// What the verification of a project shows, from its beginning to its end.
#[derive(Debug, Default)]
struct Verified {
    revisions: u64,
    records: u64,
    findings: Vec<Finding>,
    head: Option<ChainHead>,
}

async fn verify_all(store: &Store, project_id: &str, limit: u32) -> Verified {
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
    let client = store.database.client().await;
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
        (edit("inputs = '[]'"), altered.to_vec()),
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
        client.batch_execute("CREATE SCHEMA kept").await.unwrap();
        let tables = ["provenance_records", "artifacts", "record_revisions", "record_chains"];
        for table in tables {
            let keep = format!("CREATE TABLE kept.{table} AS TABLE {table}");
            client.batch_execute(&keep).await.unwrap();
        }
        // Whoever tampers does not care for constraints either.
        let unguarded = format!("SET session_replication_role = replica; {tampering}");
        client.batch_execute(&unguarded).await.unwrap();
        let found = verify_all(&store, "shop", 100).await.findings;
        assert_eq!(found, expected, "{tampering}");
        if !expected.is_empty() {
            assert_ne!(verify_all(&store, "shop", 1).await.findings, [], "{tampering}");
        }
        restore(&store, &tables).await;
    }
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}

/// Puts everything back as it was kept.
async fn restore(store: &Store, tables: &[&str]) {
    let client = store.database.client().await;
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for table in tables {
        let columns = client
            .query_one(
                "SELECT string_agg(column_name, ', ') FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'",
                &[table],
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
