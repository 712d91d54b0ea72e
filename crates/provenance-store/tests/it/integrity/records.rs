//! Every way to tamper with records and with the chain itself is found.

use protocol::provenance_query::integrity::{ChainHead, FindingKind};
use protocol::{ProvenanceId, TaskId};
use uuid::Uuid;

use super::tampering::{restore, tamper};
use super::{Finding, ask, project, verify_all};
use crate::fixture::Store;

#[tokio::test]
async fn every_way_to_tamper_is_found() {
    let store = Store::create("provenance_tamper").await;
    let tasks = project(&store, 4).await;
    let id = |index: usize| Some(ProvenanceId::of_attempt(TaskId(tasks[index]), 1));
    let record = format!("task_id = '{}'", tasks[1]);
    let seq = format!("(SELECT seq FROM provenance_records WHERE {record})");
    let edit = |what: &str| format!("UPDATE provenance_records SET {what} WHERE {record}");
    let altered = [(FindingKind::Altered, id(1))];
    let fewer = (FindingKind::Removed, None);
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
        (edit("project_id = 'elsewhere'"), vec![altered[0], fewer]),
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
            vec![(FindingKind::Removed, id(1)), fewer],
        ),
        // The tracks of the removal covered, but for the place in the chain.
        (
            format!("DELETE FROM record_revisions WHERE record_seq = {seq}; DELETE FROM artifacts
                 WHERE producer_seq = {seq}; DELETE FROM provenance_records WHERE {record}"),
            vec![(FindingKind::Removed, None), fewer],
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
         vec![(FindingKind::Added, Some(ProvenanceId(Uuid::from_u128(7)))), (FindingKind::Added, None)]),
        ("UPDATE project_counters SET records = 5".to_owned(), vec![fewer]),
        ("DELETE FROM project_counters".to_owned(), vec![(FindingKind::Added, None)]),
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

#[tokio::test]
async fn what_was_removed_with_all_traces_in_the_chain_is_missed_where_records_are_counted() {
    let store = Store::create("provenance_removal").await;
    project(&store, 3).await;
    let everything = "DELETE FROM provenance_records; DELETE FROM artifacts; DELETE FROM record_revisions;
        DELETE FROM record_chains";
    let the_end = "DELETE FROM artifacts WHERE producer_seq = (SELECT max(seq) FROM provenance_records);
        DELETE FROM provenance_records WHERE seq = (SELECT max(seq) FROM provenance_records);
        DELETE FROM record_revisions WHERE project_id = 'shop' AND position = 3;
        UPDATE record_chains chain SET length = 2, head = link.hash FROM record_revisions link
        WHERE chain.project_id = 'shop' AND link.project_id = 'shop' AND link.position = 2";
    for tampering in [everything, the_end] {
        tamper(&store, tampering).await;
        let verified = verify_all(&store, "shop", 100).await;
        assert_eq!(verified.findings, [(FindingKind::Removed, None)], "{tampering}");
        assert!(verified.is_known, "{tampering}");
        restore(&store).await;
    }
    tamper(&store, "DELETE FROM record_revisions; DELETE FROM record_chains").await;
    let unlinked = verify_all(&store, "shop", 100).await;
    assert_eq!((unlinked.findings.len(), unlinked.revisions), (3, 0));
    assert!(unlinked.is_known, "there are records");
    assert!(!verify_all(&store, "unheard-of", 100).await.is_known);
}

#[tokio::test]
async fn an_end_that_was_noted_lies_in_the_chain_until_somebody_rewrites_it() {
    let store = Store::create("provenance_noted").await;
    project(&store, 2).await;
    let noted = verify_all(&store, "shop", 100).await.head.unwrap();
    let expecting = async |end: &ChainHead| {
        let page = ask(&store, "shop", 100, None, Some(end.clone())).await.unwrap();
        page.findings.iter().map(|found| found.kind).collect::<Vec<_>>()
    };
    assert_eq!(expecting(&noted).await, []);
    project(&store, 2).await;
    assert_eq!(expecting(&noted).await, [], "the chain has grown");
    let longer = ChainHead { length: 5, ..noted.clone() };
    assert_eq!(expecting(&longer).await, [FindingKind::Removed]);
    assert_eq!(expecting(&ChainHead { length: u64::MAX, ..noted.clone() }).await, [FindingKind::Removed]);
    let other = ChainHead { hash: "ab".repeat(32), ..noted.clone() };
    assert_eq!(expecting(&other).await, [FindingKind::Reordered]);
    // A chain that is whole in itself, and not the one that was noted.
    let cut = "DELETE FROM artifacts; DELETE FROM provenance_records; DELETE FROM record_revisions;
        DELETE FROM record_chains; DELETE FROM project_counters";
    tamper(&store, cut).await;
    project(&store, 4).await;
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
    assert_eq!(expecting(&noted).await, [FindingKind::Reordered]);
}
