//! Walks through the graph in the database agree with a model, and begin where the asker's id leads.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use protocol::{ProvenanceId, TaskId};
use provenance_store::graph::{Direction, Limits, Reached, find_start, walk};
use uuid::Uuid;

use crate::events::{event, output, output_data};
use crate::fixture::Store;

async fn walk_from(store: &Store, id: impl ToString, direction: Direction, limits: Limits) -> Reached {
    let mut conn = store.connection().await;
    let start = find_start(&mut conn, &id.to_string()).await.unwrap().unwrap();
    walk(&mut conn, &start.nodes, direction, limits).await.unwrap()
}

/// `artifact@depth` of everything reached, sorted.
async fn named(store: &Store, reached: &Reached) -> Vec<String> {
    let rows = store.database.client().await;
    let mut names = Vec::new();
    for node in &reached.nodes {
        let row =
            rows.query_one("SELECT artifact_id FROM artifacts WHERE id = $1", &[&node.id]).await.unwrap();
        names.push(format!("{}@{}", row.get::<_, String>(0), node.depth));
    }
    names.sort();
    names
}

#[tokio::test]
async fn a_walk_finds_what_a_model_finds_in_any_graph() {
    let store = Store::create("provenance_walks").await;
    let client = store.database.client().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..25 {
        let plan = proptest::collection::btree_set((1..15_i64, 1..15_i64), 0..40);
        let edges: BTreeSet<(i64, i64)> = plan.new_tree(&mut runner).unwrap().current();
        client.batch_execute("TRUNCATE artifact_dependencies").await.unwrap();
        for (input, output) in &edges {
            let insert = "INSERT INTO artifact_dependencies (input_id, output_id, relationship) VALUES ($1, $2, 'consumed')";
            client.execute(insert, &[input, output]).await.unwrap();
        }
        for direction in [Direction::Dependents, Direction::Dependencies] {
            let start = edges.first().map_or(1, |edge| edge.0);
            let ways: Vec<(i64, i64)> = match direction {
                Direction::Dependents => edges.iter().copied().collect(),
                Direction::Dependencies => edges.iter().map(|&(input, output)| (output, input)).collect(),
            };
            let mut expected: BTreeMap<i64, u32> = BTreeMap::new();
            let mut level = BTreeSet::from([start]);
            for depth in 1..=16 {
                level = ways.iter().filter(|way| level.contains(&way.0)).map(|way| way.1).collect();
                for &node in &level {
                    expected.entry(node).or_insert(depth);
                }
            }
            let found =
                walk(&mut *store.connection().await, &[start], direction, Limits::NONE).await.unwrap();
            assert_eq!(found.nodes.len(), expected.len(), "{edges:?}");
            let found: BTreeMap<i64, u32> = found.nodes.iter().map(|node| (node.id, node.depth)).collect();
            assert_eq!(found, expected, "{direction:?} of {start} in {edges:?}");
        }
    }
}

#[tokio::test]
async fn a_deep_walk_finds_everything_at_its_least_depth() {
    let store = Store::create("provenance_deep").await;
    let client = store.database.client().await;
    // A ladder of two rails with rungs, a way back in the middle, and something broad in the end.
    let ladder = "INSERT INTO artifact_dependencies (input_id, output_id, relationship)
        SELECT n, n + 2, 'consumed' FROM generate_series(1, 6000) n
        UNION ALL SELECT n, n + 1, 'consumed' FROM generate_series(1, 6000, 5) n
        UNION ALL SELECT 3001, 2001, 'consumed'
        UNION ALL SELECT 6001, n, 'consumed' FROM generate_series(10001, 13000) n";
    client.batch_execute(ladder).await.unwrap();
    let mut conn = store.connection().await;
    let reached = walk(&mut conn, &[1], Direction::Dependents, Limits::NONE).await.unwrap();
    assert_eq!(reached.nodes.len(), 6001 + 3000);
    let depths: BTreeMap<i64, u32> = reached.nodes.iter().map(|node| (node.id, node.depth)).collect();
    // Along one rail, over the first rung to the other.
    for (node, depth) in [(3, 1), (2, 1), (4, 2), (6001, 3000), (6002, 3001), (10_001, 3001), (2001, 1000)] {
        assert_eq!(depths[&node], depth, "{node}");
    }
    let back = walk(&mut conn, &[6001], Direction::Dependencies, Limits::NONE).await.unwrap();
    assert_eq!(back.nodes.iter().find(|node| node.id == 1).map(|node| node.depth), Some(3000));
    let limits = Limits { depth: Some(777), looks_behind: true, ..Limits::NONE };
    let limited = walk(&mut conn, &[1], Direction::Dependents, limits).await.unwrap();
    assert!(limited.truncated);
    assert_eq!(limited.nodes.len(), depths.values().filter(|depth| **depth <= 777).count());
}

#[tokio::test]
async fn a_walk_begins_at_the_newest_version_or_at_the_record_that_was_named() {
    let store = Store::create("provenance_starts").await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let made = |output: &str, input: &str, second| {
        event("task.output.created", second, output_data(Uuid::now_v7(), 1, output, &[input]))
    };
    store.apply([output(first, 1, "a", 10), made("b", "a", 11)]).await;
    store.apply([output(second, 1, "a", 20), made("c", "a", 21), made("d", "c", 22)]).await;

    let dependents = async |id: String| {
        let reached = walk_from(&store, id, Direction::Dependents, Limits::NONE).await;
        named(&store, &reached).await
    };
    assert_eq!(dependents("a".to_owned()).await, ["c@1", "d@2"], "the newest version");
    let older = ProvenanceId::of_attempt(TaskId(first), 1).to_string();
    assert_eq!(dependents(older).await, ["b@1"], "the older one by its record");
    assert_eq!(dependents(first.to_string()).await, ["b@1"], "or by its task");
    let limited = Limits { depth: Some(1), looks_behind: true, ..Limits::NONE };
    let direct = walk_from(&store, "a", Direction::Dependents, limited).await;
    assert_eq!((named(&store, &direct).await, direct.truncated), (vec!["c@1".to_owned()], true));
    let upstream = walk_from(&store, "d", Direction::Dependencies, Limits::NONE).await;
    assert_eq!(named(&store, &upstream).await, ["a@2", "c@1"]);
}

#[tokio::test]
async fn an_id_that_names_nothing_is_no_start_and_what_nobody_made_is_one() {
    let store = Store::create("provenance_no_start").await;
    let task = Uuid::now_v7();
    store.apply([event("task.output.created", 1, output_data(task, 1, "a", &["raw"]))]).await;
    let mut conn = store.connection().await;
    assert_eq!(find_start(&mut conn, "nothing").await.unwrap(), None);
    assert_eq!(find_start(&mut conn, &Uuid::now_v7().to_string()).await.unwrap(), None);
    assert_eq!(find_start(&mut conn, "nul\0").await.unwrap(), None);
    let raw = find_start(&mut conn, "raw").await.unwrap().unwrap();
    assert_eq!((raw.artifact_id.as_str(), raw.producer), ("raw", None));
    let by_task = find_start(&mut conn, &task.to_string()).await.unwrap().unwrap();
    assert_eq!((by_task.artifact_id.as_str(), by_task.nodes.len()), ("a", 1));
    assert!(by_task.producer.is_some());
}
