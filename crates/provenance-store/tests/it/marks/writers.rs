//! Several replicas taint, clear and record at the same time, and nothing gets lost between them.

use futures_util::future::join_all;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use protocol::Event;

use super::{cleared, tainted, work};
use crate::fixture::Store;

/// Records whose mark is not what marks, edges and clearings say, worked out here by a query of its own: each wave
/// on its own, from its mark on.
const DISAGREEING: &str = "
    WITH RECURSIVE used AS (
        SELECT edge.input_id, made.producer_seq AS user_seq FROM artifact_dependencies edge
        JOIN artifacts made ON made.id = edge.output_id
    ), reached (wave, seq) AS (
        SELECT mark.wave, used.user_seq FROM artifact_marks mark
        JOIN used ON used.input_id = mark.node_id AND used.user_seq > mark.after_seq
        JOIN provenance_records record ON record.seq = used.user_seq AND record.cleared_wave < mark.wave
      UNION
        SELECT reached.wave, used.user_seq FROM reached
        JOIN artifacts made ON made.producer_seq = reached.seq
        JOIN used ON used.input_id = made.id
        JOIN provenance_records record ON record.seq = used.user_seq AND record.cleared_wave < reached.wave
    ), expected AS (
        SELECT record.seq,
            EXISTS (SELECT FROM artifacts made JOIN artifact_marks mark ON mark.node_id = made.id
                WHERE made.producer_seq = record.seq AND mark.kind = 'tainted') AS is_tainted,
            (SELECT max(wave) FROM reached WHERE reached.seq = record.seq) AS wave
        FROM provenance_records record
    )
    SELECT concat_ws(' ', record.seq, record.status, record.mark_wave, expected.is_tainted, expected.wave)
    FROM provenance_records record JOIN expected USING (seq)
    WHERE record.is_tainted <> expected.is_tainted OR record.mark_wave IS DISTINCT FROM expected.wave
        OR record.is_suspect <> (expected.wave IS NOT NULL AND NOT expected.is_tainted)";

#[derive(Debug, Clone)]
enum Doing {
    Record(Event),
    Order(Event),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_taints_clearings_and_records_lose_nothing() {
    let store = Store::create("marks_writers").await;
    let mut runner = TestRunner::deterministic();
    let mut any = |range: std::ops::Range<usize>| range.new_tree(&mut runner).unwrap().current();
    for round in 0..6 {
        let artifact = |number: usize| format!("{round}:{number}");
        let mut doings: Vec<Vec<Doing>> = vec![Vec::new(); 4];
        for number in 0..30 {
            let inputs: Vec<String> = (0..any(0..3)).map(|_| artifact(any(0..30))).collect();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            doings[any(0..4)].push(Doing::Record(work(100, &artifact(number), &inputs)));
        }
        for _ in 0..12 {
            doings[any(0..4)].push(Doing::Order(tainted(100, &artifact(any(0..30)))));
            doings[any(0..4)].push(Doing::Order(cleared(100, &artifact(any(0..30)))));
        }
        for list in &mut doings {
            for index in 0..list.len() {
                let other = any(0..list.len());
                list.swap(index, other);
            }
        }
        join_all(doings.into_iter().map(|list| run(&store, list))).await;
        assert_eq!(store.lines(DISAGREEING).await, Vec::<String>::new(), "round {round}");
    }
    assert_eq!(store.lines("SELECT count(*)::text FROM provenance_records").await, ["180"]);
    let counted = "SELECT concat_ws(' ', records, tainted, suspect) FROM project_counters";
    let counts = "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE is_tainted),
        count(*) FILTER (WHERE is_suspect)) FROM provenance_records";
    assert_eq!(store.lines(counted).await, store.lines(counts).await);
    assert_eq!(store.lines("SELECT (count(*) > 0)::text FROM artifact_marks").await, ["true"]);
}

async fn run(store: &Store, doings: Vec<Doing>) {
    for doing in doings {
        match doing {
            Doing::Record(event) => drop(store.apply([event]).await),
            Doing::Order(event) => drop(store.order(event).await),
        }
    }
}
