//! What work cost, kept per attempt and summed up per project.

use std::collections::BTreeMap;

use protocol::provenance_query::spend::ProjectSummary;
use provenance_store::costs::{PriceList, TierPrice};
use provenance_store::queries::summarize_project;
use serde_json::json;
use uuid::Uuid;

use crate::events::{event, output_data, status, validated};
use crate::fixture::Store;

fn prices(version: &str, input: u64) -> PriceList {
    let price = TierPrice { input, output: 0 };
    PriceList {
        price_version: Some(version.to_owned()),
        tiers: BTreeMap::from([("small".to_owned(), Some(price))]),
    }
}

async fn summary(store: &Store) -> ProjectSummary {
    summarize_project(&mut *store.connection().await, &"shop".parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_attempt_costs_what_its_tier_cost_when_it_was_recorded() {
    let mut store = Store::create("provenance_costs").await;
    let task = Uuid::now_v7();
    store.prices = prices("first", 30_000);
    store.apply([event("task.output.created", 5, output_data(task, 1, "a", &[]))]).await;
    assert_eq!(store.record(task).await.cost, None, "the tier is not known");
    store.apply([status(task, 1, 1, "running", "executing", 1)]).await;
    let cost = store.record(task).await.cost.unwrap();
    assert_eq!((cost.micro_units, cost.price_version.as_str()), (3, "first"));
    store.prices = prices("second", 90_000);
    store.apply([validated(task, 1, 6)]).await;
    assert_eq!(store.record(task).await.cost.unwrap(), cost, "the prices of then count");
    // An earlier report turns up and tells of other numbers.
    let mut data = output_data(task, 1, "a", &[]);
    data["tokens_input"] = json!(200);
    store.apply([event("task.output.created", 4, data)]).await;
    let cost = store.record(task).await.cost.unwrap();
    assert_eq!((cost.micro_units, cost.price_version.as_str()), (18, "second"));
}

#[tokio::test]
async fn a_project_s_spend_follows_verdicts_and_marks_whoever_sets_them() {
    let mut store = Store::create("provenance_spend").await;
    store.prices = prices("list", 1_000_000);
    let tasks: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    for (index, &task) in tasks.iter().enumerate() {
        store.apply([status(task, 1, 1, "running", "executing", 1)]).await;
        let mut data = output_data(task, 1, &format!("a-{index}"), &[]);
        data["tokens_input"] = json!(10_u64.pow(u32::try_from(index).unwrap()));
        data["tokens_output"] = json!(1);
        if index == 3 {
            data["tier"] = json!("unpriced");
        }
        store.apply([event("task.output.created", 2, data)]).await;
    }
    let before = summary(&store).await;
    assert_eq!((before.spend.total.records, before.spend.total.cost_micro_units), (4, Some(111)));
    assert_eq!((before.spend.total.unpriced_records, before.spend.total.tokens_input), (1, 1111));
    assert_eq!((before.spend.wasted.records, before.spend.wasted.cost_micro_units), (0, None));

    store.apply([event("task.rejected", 3, json!({"task_id": tasks[1], "attempt": 1}))]).await;
    let client = store.database.client().await;
    let marked = format!("task_id IN ('{}', '{}')", tasks[1], tasks[2]);
    let mark = format!("UPDATE provenance_records SET is_tainted = true WHERE {marked}");
    client.batch_execute(&mark).await.unwrap();
    let after = summary(&store).await;
    assert_eq!(after.spend.total, before.spend.total);
    assert_eq!((after.spend.rejected.records, after.spend.rejected.cost_micro_units), (1, Some(10)));
    assert_eq!((after.spend.tainted.records, after.spend.tainted.cost_micro_units), (2, Some(110)));
    assert_eq!((after.spend.wasted.records, after.spend.wasted.cost_micro_units), (2, Some(110)));
    assert_eq!(after.by_tier["unpriced"].total.cost_micro_units, None);
    assert_eq!(after.by_tier["small"].wasted.cost_micro_units, Some(110));

    client.batch_execute("UPDATE provenance_records SET is_tainted = false").await.unwrap();
    assert_eq!(summary(&store).await.spend.tainted, before.spend.tainted);
}

#[tokio::test]
async fn numbers_beyond_counting_stop_nothing() {
    let store = Store::create("provenance_huge_spend").await;
    for index in 0..3 {
        let task = Uuid::now_v7();
        let mut data = output_data(task, 1, &format!("a-{index}"), &[]);
        data["tokens_input"] = json!(i64::MAX);
        store.apply([status(task, 1, 1, "running", "executing", 1)]).await;
        store.apply([event("task.output.created", 2, data)]).await;
    }
    assert_eq!(summary(&store).await.spend.total.tokens_input, i64::MAX.unsigned_abs());
}

#[tokio::test]
async fn a_content_that_came_along_is_checked_against_its_checksum() {
    let store = Store::create("provenance_content").await;
    let told = |artifact: &str, checksum: Option<&str>| {
        let data = json!({"task_id": Uuid::now_v7(), "attempt": 1, "artifact_id": artifact, "output": {
            "content": "hello",
            "artifacts": [{"artifact_id": artifact, "checksum": checksum}, {"artifact_id": format!("{artifact}-beside")}],
        }});
        event("task.output.created", 1, data)
    };
    let right = "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824";
    store.apply([told("right", Some(right)), told("wrong", Some("ab")), told("untold", None)]).await;
    let seen = async |artifact: &str| {
        let outputs = store.record(artifact).await.outputs;
        let verified: Vec<_> = outputs.iter().map(|output| output.checksum_verified).collect();
        (verified, outputs[0].artifact.checksum.clone().unwrap())
    };
    assert_eq!(seen("right").await, (vec![Some(true), None], right.to_owned()));
    assert_eq!(seen("wrong").await, (vec![Some(false), None], "ab".to_owned()), "what was told stays");
    assert_eq!(seen("untold").await, (vec![Some(true), None], right.to_lowercase()));
}
