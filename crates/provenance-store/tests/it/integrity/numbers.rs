//! What the database gives back has the digest that was written, however it writes numbers.

use proptest::collection::vec;
use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;

use super::verify_all;
use crate::events::event;
use crate::fixture::Store;

/// Floats of every size, and many near where whole ones stop being exact, or being read as whole ones.
fn any_number() -> impl Strategy<Value = Value> {
    let anything = POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO;
    prop_oneof![
        anything.prop_map(|float| json!(float)),
        (1e15..1e21).prop_map(|float: f64| json!(float.trunc())),
        (-1e21..-1e15).prop_map(|float: f64| json!(float.trunc())),
        (0u32..80, any::<bool>()).prop_map(|(power, is_below)| {
            let float = 2f64.powi(power.cast_signed());
            json!(if is_below { float.next_down() } else { float })
        }),
        any::<i64>().prop_map(|whole| json!(whole)),
        any::<u64>().prop_map(|whole| json!(whole)),
        (-1e6..1e6).prop_map(|float: f64| json!(float)),
    ]
}

#[tokio::test]
async fn numbers_have_the_digest_that_was_written_when_they_are_read_back() {
    let store = Store::create("provenance_numbers").await;
    let mut runner = TestRunner::deterministic();
    let known = json!([
        1.764_478_305_123_456_8e18,
        12_345_678_901_234_567_890.5,
        1.7e308,
        -0.0,
        5e-324,
        1e19,
        -1e19,
        1.844_674_407_370_955e19,
        1.844_674_407_370_955_2e19,
        -9.223_372_036_854_775e18,
        -2f64.powi(63),
        u64::MAX,
        i64::MIN,
        100.0,
        0.1,
    ]);
    let mut told = vec![known];
    for _ in 0..40 {
        told.push(json!(vec(any_number(), 50).new_tree(&mut runner).unwrap().current()));
    }
    for (second, numbers) in (0..).zip(told) {
        let task = Uuid::now_v7();
        let result = json!({
            "task_id": task, "attempt": 1, "project_id": "shop",
            "resources_used": {"load": &numbers}, "analysis_result": {"all": [{"of": &numbers}]},
        });
        let verdict =
            json!({"task_id": task, "attempt": 1, "artifact_id": "a", "issues": [{"at": &numbers}]});
        store.apply([event("task.completed", second, result)]).await;
        store.apply([event("task.rejected", second + 1, verdict)]).await;
    }
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}
