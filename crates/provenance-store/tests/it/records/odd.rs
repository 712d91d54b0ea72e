//! Records with odd members: what can be kept is kept as it was told, and what cannot be read hides nothing else.

use provenance_store::queries::{Unanswered, get_records};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{event, output_data};
use crate::fixture::Store;
use crate::integrity::verify_all;

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other() {
    let store = Store::create("provenance_record_unreadable").await;
    for name in ["a", "b"] {
        store.apply([event("task.output.created", 1, output_data(Uuid::now_v7(), 1, name, &[]))]).await;
    }
    let spoil =
        "UPDATE provenance_records SET inputs = '[1]' WHERE seq = (SELECT min(seq) FROM provenance_records)";
    store.database.client().await.batch_execute(spoil).await.unwrap();
    let ids = ["a", "b"].map(str::to_owned);
    let found = get_records(&mut *store.connection().await, &ids).await.unwrap();
    assert!(matches!(found[0], Err(Unanswered::Store(_))), "{found:?}");
    assert!(found[1].is_ok(), "{found:?}");
}

#[tokio::test]
async fn odd_text_and_numbers_are_kept_or_made_storable() {
    let store = Store::create("provenance_odd").await;
    let task = Uuid::now_v7();
    let id = "päth/with spaces/%2F/\"quotes\"/🦀";
    let data = json!({
        "task_id": task, "artifact_id": id, "worker_id": "nul\u{0}here", "tokens_input": i64::MAX,
        "tier": "a-tier-of-tomorrow", "inputs_consumed": [id], "output": {"artifacts": null},
    });
    let rejected = json!({"task_id": task, "issues": [{"nul": "\u{0}"}], "reason": "\u{0}"});
    store.apply([event("task.output.created", 1, data), event("task.rejected", 2, rejected)]).await;
    let record = store.record(id).await;
    assert_eq!(record.worker_id.as_deref(), Some("nul\u{fffd}here"));
    assert_eq!(record.tier.as_deref(), Some("a-tier-of-tomorrow"));
    assert_eq!(record.tokens_input, Some(i64::MAX as u64));
    assert_eq!(record.outputs[0].artifact.artifact_id.as_str(), id);
    assert_eq!(record.verification["issues"], json!([{"nul": "\u{fffd}"}]));
    assert!(store.has_no_record("nul\u{0}").await);
}

#[tokio::test]
async fn every_number_that_is_kept_is_read_as_it_was_written() {
    let store = Store::create("provenance_odd_numbers").await;
    let steps = (0..200).map(|step| f64::from(step).mul_add(1.1e-5, 0.123_456_789_012_345_67));
    let odd = [f64::MAX, f64::MIN, f64::MAX / 2.0, f64::MIN_POSITIVE, 5e-324, -0.0, 1e16, 1e22, 1e300];
    let mut numbers: Vec<Value> = odd.into_iter().chain(steps).map(Value::from).collect();
    numbers.extend([json!(u64::MAX), json!(i64::MIN)]);
    let task = Uuid::now_v7();
    let result = json!({
        "task_id": task, "project_id": "shop", "attempt": 1, "agent_id": "agent",
        "resources_used": {"cpu": f64::MAX, "all": numbers}, "analysis_result": numbers,
    });
    let rejected = json!({"task_id": task, "attempt": 1, "issues": numbers});
    store.apply([event("task.completed", 1, result), event("task.rejected", 2, rejected)]).await;
    let shown = store.record(task).await.verification;
    let far_off = |told: &Value, shown: &Value| {
        let [told, shown] = [told, shown].map(|number| number.as_f64().unwrap());
        (told - shown).abs() > told.abs() * 1e-14
    };
    let issues = shown["issues"].as_array().unwrap();
    assert_eq!(issues.len(), numbers.len());
    assert_eq!(numbers.iter().zip(issues).find(|(told, shown)| far_off(told, shown)), None);

    let task = Uuid::now_v7();
    let validated = json!({"task_id": task, "attempt": 1, "score": f64::MAX});
    let mut reported = output_data(task, 1, "b", &[]);
    reported["project_id"] = json!("shop");
    reported["confidence"] = json!(f64::MAX);
    store.apply([event("task.output.created", 3, reported), event("task.validated", 4, validated)]).await;
    assert!(store.record("b").await.verification["score"].as_f64().is_some_and(|score| score > 1e308));
    // What was written is what is read, to the last bit.
    assert_eq!(verify_all(&store, "shop", 100).await.findings, []);
}
