//! What was written is verified, and every way to tamper with it is found.

mod forged;
mod marked;
mod numbers;
mod records;
pub(crate) mod tampering;

use proptest::prelude::Strategy;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::TestRunner;
use protocol::provenance_query::integrity::{ChainHead, FindingKind, VerifyPage, VerifyPlace, VerifyQuery};
use protocol::{Event, ProvenanceId};
use provenance_store::integrity::verify;
use provenance_store::queries::Unanswered;
use serde_json::json;
use uuid::Uuid;

use crate::events::{event, output_data, status, validated};
use crate::fixture::Store;

/// What is wrong, and with which record.
pub(crate) type Finding = (FindingKind, Option<ProvenanceId>);

/// What the verification of a project shows, from its beginning to its end.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    revisions: u64,
    records: u64,
    pub(crate) findings: Vec<Finding>,
    head: Option<ChainHead>,
    is_known: bool,
}

/// Stands for what belongs to no project.
const UNOWNED: &str = "";

/// One portion.
async fn ask(
    store: &Store,
    project_id: &str,
    limit: u32,
    after: Option<VerifyPlace>,
    expected: Option<ChainHead>,
) -> Result<VerifyPage, Unanswered> {
    let project_id = (project_id != UNOWNED).then(|| project_id.parse().unwrap());
    verify(&mut *store.connection().await, VerifyQuery { project_id, limit, after, expected }).await
}

pub(crate) async fn verify_all(store: &Store, project_id: &str, limit: u32) -> Verified {
    let mut verified = Verified::default();
    let mut after: Option<VerifyPlace> = None;
    for _ in 0..1_000 {
        let page = ask(store, project_id, limit, after, None).await.unwrap();
        verified.revisions += page.revisions;
        verified.records += page.records;
        verified.is_known |= page.is_known;
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
