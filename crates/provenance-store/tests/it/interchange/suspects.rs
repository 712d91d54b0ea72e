//! What files tell to be suspect is suspect because of what it is built on, where that is known: it goes with that.

use serde_json::{Value, json};

use super::samples::{Sample, lines_of};
use crate::events::{at, event};
use crate::fixture::Store;
use crate::integrity::verify_all;
use crate::marks::{cleared, tainted, work};

/// A line with the record `id` of project `p`, which made the artifact `id` from these; its mark is told by its name.
fn record(id: &str, inputs: &[&str], mark: &str) -> Value {
    let is_tainted = mark == "tainted";
    let is_suspect = mark == "suspect";
    let taint = json!({ "is_tainted": is_tainted, "tainted_at": is_tainted.then_some("2026-01-02T00:00:00"),
        "tainted_reason": if is_tainted { "a bug" } else { "" }, "tainted_by": "", "is_suspect": is_suspect,
        "suspect_since": is_suspect.then_some("2026-01-03T04:05:06.000007"),
        "suspect_source": if is_suspect { "who-knows" } else { "" } });
    let body = json!({ "id": id, "task_id": format!("task-{id}"), "project_id": "p",
        "created_at": "2026-01-01T00:00:00", "outputs": [{ "artifact_id": id }], "inputs_consumed": inputs,
        "taint": taint });
    json!({ "kind": "record", "file": format!("{id}.json"), "body": body })
}

/// Orders of these, in which each comes before and behind each other, and sizes of batches.
fn orders(lines: &[Value]) -> [(Vec<Value>, usize); 4] {
    let back = lines.iter().rev().cloned().collect();
    let (first, rest) = lines.split_at(1);
    [(lines.to_vec(), lines.len()), (lines.to_vec(), 1), (back, 1), ([rest, first].concat(), 2)]
}

/// What is tainted or suspect, as `mark artifact`.
async fn marks(store: &Store) -> Vec<String> {
    let marks = "SELECT status || ' ' || artifact_id FROM provenance_records record
        JOIN artifacts ON producer_seq = record.seq WHERE is_tainted OR is_suspect ORDER BY 1";
    store.lines(marks).await
}

/// What suspicion comes from, as `kind artifact`.
async fn sources(store: &Store) -> Vec<String> {
    let sources = "SELECT kind || ' ' || artifact_id FROM artifact_marks
        JOIN artifacts ON artifacts.id = node_id ORDER BY 1";
    store.lines(sources).await
}

async fn forget(store: &Store) {
    let tables = [
        "imported_files",
        "artifacts",
        "provenance_records",
        "artifact_dependencies",
        "artifact_marks",
        "taint_events",
        "record_revisions",
        "record_chains",
        "project_counters",
        "project_spend",
        "marked_records",
        "inbox",
        "outbox",
    ];
    let forget = tables.map(|table| format!("DELETE FROM {table};")).concat();
    store.database.client().await.batch_execute(&forget).await.unwrap();
}

/// Imports in several orders and batches, twice each, and clears; gives what is marked then.
async fn after_clearing(store: &Store, lines: &[Value], clear: &[&str]) -> Vec<String> {
    let mut found: Option<(Vec<String>, Vec<String>)> = None;
    for (order, batch) in orders(lines) {
        forget(store).await;
        let texts: Vec<String> = order.iter().map(Value::to_string).collect();
        store.import(&texts, batch).await;
        store.import(&texts, lines.len()).await;
        assert_eq!(store.export("p").await, order, "what came in goes out");
        let came_from = sources(store).await;
        for (second, artifact) in (10..).zip(clear) {
            store.order(cleared(second, artifact)).await;
        }
        let marked = marks(store).await;
        store.import(&texts, batch).await;
        assert_eq!(marks(store).await, marked, "importing again changes nothing");
        let this = (came_from, marked);
        assert_eq!(*found.get_or_insert_with(|| this.clone()), this, "batches of {batch} of {order:#?}");
    }
    assert_eq!(verify_all(store, "p", 30).await.findings, []);
    found.unwrap().1
}

#[tokio::test]
async fn an_imported_suspicion_goes_with_the_taint_that_it_comes_from() {
    let store = Store::create("interchange_suspects").await;
    let chain = [record("a", &[], "tainted"), record("b", &["a"], "suspect"), record("c", &["b"], "suspect")];
    assert_eq!(after_clearing(&store, &chain, &[]).await, ["suspect b", "suspect c", "tainted a"]);
    assert_eq!(after_clearing(&store, &chain, &["a"]).await, Vec::<String>::new());
    assert_eq!(after_clearing(&store, &chain, &["b"]).await, ["tainted a"]);
    assert_eq!(after_clearing(&store, &chain, &["c"]).await, ["suspect b", "tainted a"]);
    let joined = [&chain[..2], &[record("c", &["b", "d"], "suspect"), record("d", &[], "tainted")]].concat();
    assert_eq!(after_clearing(&store, &joined, &["a"]).await, ["suspect c", "tainted d"]);
    assert_eq!(after_clearing(&store, &joined, &["a", "d"]).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_imported_suspicion_of_which_nothing_is_known_stands_for_itself() {
    let store = Store::create("interchange_doubts").await;
    // Somebody looked after `good`: what was made from that is suspect for a reason that is not in the files.
    let chain = [
        record("a", &[], "tainted"),
        record("good", &["a"], ""),
        record("b", &["good"], "suspect"),
        record("c", &["b"], "suspect"),
    ];
    assert_eq!(after_clearing(&store, &chain, &["a"]).await, ["suspect b", "suspect c"]);
    assert_eq!(sources(&store).await, ["suspect b"]);
    assert_eq!(after_clearing(&store, &chain, &["c"]).await, ["suspect b", "tainted a"]);
    assert_eq!(after_clearing(&store, &chain, &["b", "a"]).await, Vec::<String>::new());
    // A circle that nothing leads to.
    let circle = [
        record("x", &["z"], "suspect"),
        record("y", &["x"], "suspect"),
        record("z", &["y"], "suspect"),
        record("behind", &["y"], "suspect"),
    ];
    let all = ["suspect behind", "suspect x", "suspect y", "suspect z"];
    assert_eq!(after_clearing(&store, &circle, &[]).await, all);
    let [source] = &*sources(&store).await else { panic!("one stands for all of them") };
    let source = source.trim_start_matches("suspect ").to_owned();
    assert_eq!(after_clearing(&store, &circle, &[&source]).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_found_wrong_here_can_be_what_an_imported_suspicion_comes_from() {
    let store = Store::create("interchange_known_taint").await;
    store.apply([work(1, "a", &[]), work(2, "b", &["a", "loose"])]).await;
    store.order(tainted(3, "a")).await;
    store.order(tainted(4, "loose")).await;
    let lines =
        [record("c", &["b"], "suspect"), record("d", &["c"], "suspect"), record("e", &["loose"], "suspect")];
    let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
    let (_, follow) = store.import_and_follow(&texts, 2).await;
    assert_eq!(follow, [], "who had them knew that they were suspect");
    assert_eq!(store.export("p").await, lines);
    assert_eq!(sources(&store).await, ["tainted a", "tainted loose"]);
    store.order(cleared(10, "loose")).await;
    assert_eq!(marks(&store).await, ["suspect b", "suspect c", "suspect d", "tainted a"]);
    store.order(cleared(11, "a")).await;
    assert_eq!(marks(&store).await, Vec::<String>::new());
    for project in ["p", "shop"] {
        assert_eq!(verify_all(&store, project, 30).await.findings, []);
    }
}

#[tokio::test]
async fn an_imported_suspect_that_leads_to_a_version_of_its_own_stands_for_itself_again() {
    let store = Store::create("interchange_moved").await;
    let made = |id: &str, artifact: &str, time: &str, mark: &str| {
        let mut line = record(id, &[], mark);
        line["body"]["created_at"] = json!(time);
        line["body"]["outputs"] = json!([{ "artifact_id": artifact }]);
        line
    };
    let mut user = record("b", &["a"], "suspect");
    user["body"]["created_at"] = json!("2026-01-20T00:00:00");
    let lines = [
        made("first", "a", "2026-01-01T00:00:00", "tainted"),
        made("second", "a", "2026-01-10T00:00:00", ""),
        user,
    ];
    assert_eq!(after_clearing(&store, &lines, &[]).await, ["suspect b", "tainted a"]);
    assert_eq!(sources(&store).await, ["suspect b", "tainted a"]);
}

#[tokio::test]
async fn a_suspect_that_made_what_was_found_wrong_here_is_tainted() {
    let store = Store::create("interchange_tainted_early").await;
    store.apply([work(1, "user", &["a"])]).await;
    store.order(tainted(2, "a")).await;
    store.import(&[record("a", &[], "suspect").to_string()], 1).await;
    assert_eq!(marks(&store).await, ["suspect user", "tainted a"]);
    assert_eq!(verify_all(&store, "p", 30).await.findings, []);
    store.order(cleared(3, "a")).await;
    assert_eq!(marks(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_settled_here_is_not_marked_again_by_what_else_comes_with_files() {
    let store = Store::create("interchange_settled").await;
    let first = [record("a", &[], "tainted"), record("b", &["a"], "suspect"), record("odd", &[], "suspect")];
    store.import(&first.map(|line| line.to_string()), 3).await;
    store.order(cleared(10, "a")).await;
    store.order(cleared(11, "odd")).await;
    let later =
        [record("c", &["b", "odd"], ""), record("a2", &[], "tainted"), record("d", &["b"], "suspect")];
    store.import(&later.map(|line| line.to_string()), 1).await;
    assert_eq!(marks(&store).await, ["suspect d", "tainted a2"]);
    // Doubt from outside is no part of that.
    store.order(event("artifact.suspect", 20, json!({ "artifact_id": "b" }))).await;
    store.import(&[record("e", &["d"], "suspect").to_string()], 1).await;
    assert_eq!(marks(&store).await, ["suspect b", "suspect c", "suspect d", "suspect e", "tainted a2"]);
    let since = store.record("e").await.taint.suspect_since.unwrap();
    assert_eq!(since.to_string(), "2026-01-03T04:05:06.000007Z");
    assert!(since < at(0));
}

#[tokio::test]
async fn where_suspicion_comes_from_does_not_depend_on_the_order_of_files() {
    let reached = "SELECT concat_ws(' ', record.provenance_id, mark_wave, mark_depth, status)
        FROM provenance_records record ORDER BY 1";
    let (there, back) = tokio::join!(Store::create("suspects_there"), Store::create("suspects_back"));
    let mut lines = lines_of(Sample::Record);
    there.import(&lines, 200).await;
    lines.reverse();
    back.import(&lines, 7).await;
    let alone = "SELECT count(DISTINCT producer_seq)::text FROM artifact_marks
        JOIN artifacts ON artifacts.id = node_id WHERE kind = 'suspect'";
    for store in [&there, &back] {
        assert_eq!(store.lines(alone).await, ["2"], "two are built on nothing that is known to be wrong");
    }
    assert_eq!(back.lines(reached).await, there.lines(reached).await);
    assert_eq!(sources(&back).await, sources(&there).await);
    assert_eq!(marks(&back).await, marks(&there).await);
}

#[tokio::test]
async fn an_imported_suspect_that_made_nothing_can_be_cleared() {
    let store = Store::create("interchange_made_nothing").await;
    let mut line = record("n", &["a"], "suspect");
    line["body"]["outputs"] = json!([]);
    store.import(&[line.to_string(), record("a", &[], "tainted").to_string()], 1).await;
    let id = store.record("n").await.id;
    store.order(event("artifact.cleared", 10, json!({ "provenance_id": id }))).await;
    assert!(!store.record("n").await.taint.is_suspect);
    assert_eq!(verify_all(&store, "p", 30).await.findings, []);
}
