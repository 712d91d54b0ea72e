//! Edges lead to the version that was used, whatever the order in which records arrive.

use proptest::prelude::{Just, Strategy, prop};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use protocol::Event;
use provenance_store::artifacts::edges::rewrite_edges;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{at, event};
use crate::fixture::Store;

/// An attempt that produced and consumed something.
#[derive(Debug, Clone)]
struct Work {
    task: Uuid,
    reported_at: i64,
    started_at: Option<i64>,
    outputs: Vec<(String, Option<&'static str>)>,
    inputs: Vec<(String, Option<&'static str>)>,
}

impl Work {
    fn event(&self) -> Event {
        let artifacts: Vec<Value> = self
            .outputs
            .iter()
            .map(|(id, checksum)| json!({"artifact_id": id, "type": "code", "checksum": checksum}))
            .collect();
        let inputs: Vec<Value> = self
            .inputs
            .iter()
            .map(|(id, checksum)| json!({"artifact_id": id, "checksum": checksum}))
            .collect();
        let data = json!({
            "task_id": self.task, "attempt": 1, "artifact_id": self.outputs[0].0, "inputs_consumed": inputs,
            "output": {"artifacts": artifacts}, "started_at": self.started_at.map(at),
        });
        event("task.output.created", self.reported_at, data)
    }
}

/// Work that makes `output` from `inputs`; started two seconds before it was reported.
fn work(reported_at: i64, output: &str, inputs: &[&str]) -> Work {
    Work {
        task: Uuid::now_v7(),
        reported_at,
        started_at: Some(reported_at - 2),
        outputs: vec![(output.to_owned(), None)],
        inputs: inputs.iter().map(|&id| (id.to_owned(), None)).collect(),
    }
}

/// Every edge as `input@time of its production -> output@time of its production`; `?` where nobody produced it.
async fn edges(store: &Store) -> Vec<String> {
    store
        .lines(
            "SELECT used.artifact_id || '@'
                || coalesce(extract(epoch FROM used.produced_at)::bigint - 1795000000 || '', '?')
                || CASE WHEN edge.checksum_matches THEN '=' WHEN NOT edge.checksum_matches THEN '#' ELSE '' END
                || ' -> ' || made.artifact_id || '@' || extract(epoch FROM made.produced_at)::bigint - 1795000000
             FROM artifact_dependencies edge
             JOIN artifacts used ON used.id = edge.input_id JOIN artifacts made ON made.id = edge.output_id
             ORDER BY 1",
        )
        .await
}

#[tokio::test]
async fn a_producer_that_turns_up_late_takes_over_what_nobody_had_produced() {
    let store = Store::create("provenance_takeover").await;
    let consumer = work(10, "b", &["a"]);
    store.apply([consumer.event()]).await;
    assert_eq!(edges(&store).await, ["a@? -> b@10"]);
    store.apply([work(5, "a", &[]).event()]).await;
    assert_eq!(edges(&store).await, ["a@5 -> b@10"]);
    assert_eq!(store.lines("SELECT artifact_id FROM artifacts ORDER BY 1").await, ["a", "b"]);
}

#[tokio::test]
async fn versions_of_an_artifact_are_kept_apart_and_each_use_leads_to_its_own() {
    let store = Store::create("provenance_versions").await;
    // A file that every task changes: each change builds on the one before.
    for second in [10, 20, 30] {
        store.apply([work(second, "readme", &["readme"]).event()]).await;
    }
    store.apply([work(25, "summary", &["readme"]).event()]).await;
    assert_eq!(
        edges(&store).await,
        [
            "readme@10 -> readme@10",
            "readme@10 -> readme@20",
            "readme@20 -> readme@30",
            "readme@20 -> summary@25"
        ]
    );
    // The version in between turns up last.
    store.apply([work(22, "readme", &[]).event()]).await;
    assert_eq!(
        edges(&store).await,
        [
            "readme@10 -> readme@10",
            "readme@10 -> readme@20",
            "readme@22 -> readme@30",
            "readme@22 -> summary@25"
        ]
    );
}

#[tokio::test]
async fn a_checksum_that_was_told_decides_over_time() {
    let store = Store::create("provenance_checksum").await;
    let version =
        |second, checksum| Work { outputs: vec![("a".to_owned(), Some(checksum))], ..work(second, "a", &[]) };
    let consumer = |second, checksum: &'static str| Work {
        inputs: vec![("a".to_owned(), Some(checksum))],
        ..work(second, "b", &[])
    };
    store.apply([version(10, "one"), version(20, "two")].map(|work| work.event())).await;
    store
        .apply([consumer(30, "one"), consumer(31, "two"), consumer(32, "three")].map(|work| work.event()))
        .await;
    assert_eq!(edges(&store).await, ["a@10= -> b@30", "a@20# -> b@32", "a@20= -> b@31"]);
    store.apply([version(5, "three").event()]).await;
    assert_eq!(edges(&store).await, ["a@10= -> b@30", "a@20= -> b@31", "a@5= -> b@32"]);
}

#[tokio::test]
async fn with_one_producer_each_a_circle_stays_a_circle() {
    let store = Store::create("provenance_circle").await;
    store.apply([work(10, "a", &["b"]).event()]).await;
    store.apply([work(20, "b", &["a"]).event()]).await;
    assert_eq!(edges(&store).await, ["a@10 -> b@20", "b@20 -> a@10"]);
}

#[tokio::test]
async fn every_input_of_a_record_leads_to_every_output_of_it() {
    let store = Store::create("provenance_bipartite").await;
    let outputs = vec![("x".to_owned(), None), ("y".to_owned(), None)];
    store.apply([Work { outputs, ..work(10, "", &["a", "b"]) }.event()]).await;
    assert_eq!(edges(&store).await, ["a@? -> x@10", "a@? -> y@10", "b@? -> x@10", "b@? -> y@10"]);
}

fn any_work() -> impl Strategy<Value = Work> {
    let checksum = || prop::option::of(prop::sample::select(vec!["x", "y"]));
    let id = |range: std::ops::Range<usize>| range.prop_map(|number| format!("artifact-{number}"));
    let outputs = prop::collection::btree_map(id(0..3), checksum(), 1..3);
    let inputs = prop::collection::btree_map(id(0..4), checksum(), 0..3);
    (0..12_i64, prop::option::of(0..12_i64), outputs, inputs, proptest::bool::weighted(0.2)).prop_map(
        |(reported_at, started_at, outputs, inputs, same_task)| Work {
            // Now and then two reports are about the same attempt.
            task: if same_task { Uuid::from_u128(0) } else { Uuid::now_v7() },
            reported_at,
            started_at,
            outputs: outputs.into_iter().collect(),
            inputs: inputs.into_iter().collect(),
        },
    )
}

#[tokio::test]
async fn edges_corrected_step_by_step_are_those_derived_from_everything_known() {
    let store = Store::create("provenance_convergence").await;
    let mut runner = TestRunner::deterministic();
    for world in 0..40 {
        let shared = Uuid::now_v7();
        let plan = prop::collection::vec(any_work(), 2..9)
            .prop_flat_map(|works| (Just(works), prop::collection::vec(1..4_usize, 8)));
        let (mut works, batches) = plan.new_tree(&mut runner).unwrap().current();
        for work in &mut works {
            if work.task.is_nil() {
                work.task = shared;
            }
        }
        let mut rest = works.as_slice();
        for size in batches {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            store.apply(batch.iter().map(Work::event).collect::<Vec<_>>()).await;
            rest = later;
        }
        let stepwise = edges(&store).await;
        let all = store.lines("SELECT seq::text FROM provenance_records").await;
        let all = all.iter().map(|seq| seq.parse().unwrap()).collect();
        rewrite_edges(&mut *store.connection().await, all).await.unwrap();
        assert_eq!(
            stepwise,
            edges(&store).await,
            "world {world}: {}",
            works.iter().map(|work| format!("{work:?}\n")).collect::<String>()
        );
        let forget = "TRUNCATE provenance_records, artifacts, artifact_dependencies CASCADE";
        store.database.client().await.batch_execute(forget).await.unwrap();
    }
}
