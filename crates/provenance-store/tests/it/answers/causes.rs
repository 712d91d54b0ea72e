//! Answers about where a taint came from.

use protocol::provenance_query::TaintView;
use protocol::provenance_query::graph::LineageQuery;
use provenance_store::queries::{Sight, find_root_cause, get_lineage};
use serde_json::json;

use super::{FAR, task, world};
use crate::events::{at, event, output_data};
use crate::fixture::Store;
use crate::marks::{cleared, tainted, work};

#[tokio::test]
async fn the_root_cause_is_what_was_tainted_first_upstream() {
    let store = world("provenance_root_cause").await;
    let cause = async |id: &str| {
        let found =
            find_root_cause(&mut *store.connection().await, id, FAR, &Sight::Everything).await.unwrap();
        (found.root_cause, found.immediate_cause, found.path.join(" "), found.depth)
    };
    let itself = |id: &str| (Some(id.to_owned()), None, id.to_owned(), 0);
    assert_eq!(cause("e").await, itself("e"), "nothing is tainted");
    assert_eq!(cause("raw").await, (None, None, String::new(), 0), "nobody made it");
    let client = store.database.client().await;
    let mark = async |number, at: &str| {
        let mark = format!(
            "UPDATE provenance_records SET is_tainted = true, tainted_at = {at} WHERE task_id = '{}'",
            task(number)
        );
        client.batch_execute(&mark).await.unwrap();
    };
    mark(5, "now()").await;
    assert_eq!(cause("e").await, itself("e"), "what it is itself does not count");
    mark(3, "now()").await;
    let found =
        |root: &str, path: &str, depth| (Some(root.to_owned()), Some("d".to_owned()), path.to_owned(), depth);
    assert_eq!(cause("e").await, found("c", "c d e", 2));
    mark(1, "now() - interval '1 hour'").await;
    assert_eq!(cause("e").await.0.unwrap(), "a", "tainted earlier");
    assert_eq!(cause("e").await.3, 3);
    mark(2, "NULL").await;
    assert_eq!(cause("e").await, found("b", "b d e", 2), "a mark without a time is the oldest");
    mark(8, "now()").await;
    assert_eq!(cause("self").await, (Some("self".to_owned()), Some("self".to_owned()), "self".to_owned(), 0));
}

#[tokio::test]
async fn the_immediate_cause_is_the_input_that_was_listed_first() {
    let store = Store::create("provenance_immediate").await;
    store.apply([event("task.output.created", 1, output_data(task(1), 1, "z", &[]))]).await;
    let data = output_data(task(2), 1, "made", &["z", "m", "a"]);
    store.apply([event("task.output.created", 9, data)]).await;
    let client = store.database.client().await;
    let mark = format!("UPDATE provenance_records SET is_tainted = true WHERE task_id = '{}'", task(1));
    client.batch_execute(&mark).await.unwrap();
    let found =
        find_root_cause(&mut *store.connection().await, "made", FAR, &Sight::Everything).await.unwrap();
    assert_eq!(found.immediate_cause.as_deref(), Some("z"));
    let inputs = store.record("made").await.inputs_consumed;
    assert_eq!(inputs.iter().map(|input| input.artifact_id.as_str()).collect::<Vec<_>>(), ["z", "m", "a"]);
}

#[tokio::test]
async fn what_nobody_made_can_be_a_root_cause_and_shows_its_taint() {
    let store = Store::create("provenance_loose_cause").await;
    store.apply([work(1, "b", &["u", "v"]), work(2, "c", &["b"]), work(3, "d", &["c", "w"])]).await;
    store.order(tainted(10, "u")).await;
    let cause = async |id: &str| {
        let mut conn = store.connection().await;
        let found = find_root_cause(&mut conn, id, FAR, &Sight::Everything).await.unwrap();
        (found.root_cause.unwrap_or_default(), found.immediate_cause, found.path.join(" "), found.depth)
    };
    let led = |root: &str, by: &str, path: &str, depth| {
        (root.to_owned(), Some(by.to_owned()), path.to_owned(), depth)
    };
    assert_eq!(cause("c").await, led("u", "b", "u b c", 2));
    assert_eq!(cause("d").await, led("u", "c", "u b c d", 3));
    assert_eq!(cause("u").await, (String::new(), None, String::new(), 0), "nobody made it");
    store.order(tainted(20, "v")).await;
    store.order(tainted(20, "w")).await;
    store.order(tainted(30, "b")).await;
    assert_eq!(cause("d").await.0, "u", "tainted first");
    store.order(cleared(40, "u")).await;
    assert_eq!(cause("d").await, led("w", "c", "w d", 1), "as early as v, and nearer");
    store.order(cleared(50, "w")).await;
    assert_eq!(cause("d").await.0, "v");
    store.order(cleared(60, "v")).await;
    assert_eq!(cause("d").await.0, "b");
    store.order(tainted(70, "u")).await;
    assert_eq!(cause("d").await.0, "b", "tainted before");

    let doubt = json!({ "artifact_id": "w", "cascade_id": "c-2", "source_id": "q" });
    store.order(event("artifact.suspect", 80, doubt)).await;
    let query = LineageQuery { id: "d".to_owned(), max_depth: None, limit: 100 };
    let mut conn = store.connection().await;
    let lineage = get_lineage(&mut conn, query, FAR, &Sight::Everything).await.unwrap();
    let taint = |id: &str| {
        let node = lineage.nodes.iter().find(|node| node.artifact_id.as_str() == id).unwrap();
        assert_eq!(node.provenance_id, None, "{id}");
        node.taint.clone()
    };
    let expected = TaintView {
        is_tainted: true,
        tainted_at: Some(at(70)),
        tainted_reason: Some("wrong".to_owned()),
        cascade_id: Some("c-1".to_owned()),
        ..TaintView::default()
    };
    assert_eq!(taint("u"), expected);
    assert_eq!(taint("v"), TaintView::default());
    let expected = TaintView {
        is_suspect: true,
        suspect_since: Some(at(80)),
        suspect_source: Some("q".to_owned()),
        cascade_id: Some("c-2".to_owned()),
        ..TaintView::default()
    };
    assert_eq!(taint("w"), expected);
    assert!(store.has_no_record("u").await);
}
