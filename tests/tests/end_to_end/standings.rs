//! The provenance-store marks artifacts, the api-gateway holds tasks: whatever is asked for at the same moment, both end
//! with the same opinion.

use end_to_end::client::{Client, TASK_TIME};
use end_to_end::{Plan, Role};
use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::wait_for;
use uuid::Uuid;

/// Artifacts that outside work has made.
async fn made(stack: &end_to_end::Stack, count: usize) -> Vec<String> {
    let client = stack.client();
    let mut artifacts = Vec::new();
    for number in 0..count {
        let artifact = format!("made-{number}");
        let output = json!({
            "task_id": Uuid::now_v7(), "artifact_id": artifact, "project_id": "shop", "worker_id": "w",
            "output": { "content": "x" },
        });
        stack.outsider().tell("task.events", "task.output.created", &output).await;
        artifacts.push(artifact);
    }
    for artifact in &artifacts {
        client.record_when(artifact, "pending").await;
    }
    artifacts
}

async fn taint(client: &Client, artifact: &str) {
    let answer = client.post(&format!("/provenance/{artifact}/taint"), &json!({ "reason": "wrong" })).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

async fn clear(client: &Client, artifact: &str) -> bool {
    let answer = client.post(&format!("/provenance/{artifact}/clear"), &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["cleared"] == true
}

/// Whether a task that uses it is held.
async fn holds(client: &Client, artifact: &str) -> bool {
    let body = json!({
        "description": "Write an advert", "project_id": "shop", "inputs": [{ "artifact_id": artifact }],
        "options": { "tier": "tiny", "domain": "code-general" },
    });
    let task = client.submit(&body).await;
    let is_decided = |task: &Value| task["phase"] == "blocked" || task["status"] == "running";
    let task = client.task_when(&task, "held or under way", TASK_TIME, is_decided).await;
    let is_held = task["waiting_for"]["reason"] == "tainted_input";
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(client.post(&format!("/tasks/{id}/cancel"), &json!({})).await.status, 200);
    is_held
}

#[tokio::test]
async fn a_clearing_that_follows_a_taint_at_once_is_not_lost() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    for artifact in made(&stack, 15).await {
        taint(&client, &artifact).await;
        assert!(clear(&client, &artifact).await, "{artifact}: it was tainted a moment ago");
        assert!(!holds(&client, &artifact).await, "{artifact}");
        assert_eq!(client.record_when(&artifact, "pending").await["taint"]["is_tainted"], false);
    }
}

#[tokio::test]
async fn a_clearing_takes_back_only_what_was_said_of_the_same_version() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    let output = |task: Uuid| {
        json!({
            "task_id": task, "artifact_id": "twice", "project_id": "shop", "worker_id": "w",
            "output": { "content": "x" },
        })
    };
    let mut records = Vec::new();
    for task in [Uuid::now_v7(), Uuid::now_v7()] {
        stack.outsider().tell("task.events", "task.output.created", &output(task)).await;
        let record = client.record_when(&task.to_string(), "pending").await;
        records.push(record["id"].as_str().unwrap().to_owned());
    }
    let [old, new] = &records[..] else { panic!("{records:?}") };
    for _ in 0..5 {
        taint(&client, "twice").await;
        clear(&client, old).await;
        client.record_when(new, "tainted").await;
        assert!(clear(&client, "twice").await);
        taint(&client, old).await;
        assert!(clear(&client, old).await, "it was tainted a moment ago");
        assert_eq!(client.record_when(old, "pending").await["taint"]["is_tainted"], false);
    }
    assert!(!holds(&client, "twice").await);
}

#[tokio::test]
async fn whoever_taints_and_clears_at_once_both_services_agree_in_the_end() {
    let stack = Plan::new().with_second_gateway().start().await;
    let clients = [stack.client(), stack.client_of(Role::SecondGateway)];
    let artifacts = made(&stack, 6).await;
    join_all(artifacts.iter().enumerate().flat_map(|(place, artifact)| {
        clients.iter().enumerate().map(move |(number, client)| async move {
            for round in 0..6 {
                if (place + number + round) % 3 == 0 {
                    clear(client, artifact).await;
                } else {
                    taint(client, artifact).await;
                }
            }
        })
    }))
    .await;
    wait_for("every taint is answered", TASK_TIME, || async {
        let database = stack.gateway_database().client().await;
        let rows = database.query("SELECT FROM asked_taints", &[]).await.unwrap();
        rows.is_empty().then_some(())
    })
    .await;
    for artifact in &artifacts {
        // What was told last may still be on its way to the gateways.
        wait_for("both services agree", TASK_TIME, || async {
            let record = clients[0].get(&format!("/provenance/{artifact}")).await;
            let is_tainted = record.json["taint"]["is_tainted"].as_bool().unwrap();
            (holds(&clients[1], artifact).await == is_tainted).then_some(())
        })
        .await;
    }
}
