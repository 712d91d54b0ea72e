//! Requests that are sent again with the same Idempotency-Key: served once, through lost answers, crashes and several
//! gateways.

use std::time::Duration;

use end_to_end::{Answer, Client, Plan, Role};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::wait_for;

const PATIENCE: Duration = Duration::from_secs(40);

async fn try_post(client: &Client, path: &str, key: &str, body: &Value) -> Option<Answer> {
    let request = client.request(Method::POST, &format!("/api/v1{path}")).header("Idempotency-Key", key);
    client.try_send(request.json(body)).await
}

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    try_post(client, path, key, body).await.expect("an answer")
}

/// Repeats a request until it is neither lost nor refused for now.
async fn insist(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    wait_for(&format!("an answer for key {key}"), PATIENCE, || async {
        try_post(client, path, key, body).await.filter(|answer| ![409, 503].contains(&answer.status))
    })
    .await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_one_is_refused() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let task = json!({ "description": "once", "project_id": "idem" });
    let first = post(&client, "/tasks", "k1", &task).await;
    let again = post(&client, "/tasks", "k1", &task).await;
    assert_eq!((first.status, again.status), (201, 201), "{} {}", first.text, again.text);
    assert!(!is_replay(&first) && is_replay(&again));
    assert_eq!(
        (first.text.as_str(), first.header("location")),
        (again.text.as_str(), again.header("location"))
    );
    assert_eq!(again.header("content-type"), "application/json");
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));

    let other = post(&client, "/tasks", "k1", &json!({ "description": "other" })).await;
    assert_eq!((other.status, &other.json["error_code"]), (422, &json!(2004)), "{}", other.text);
    let elsewhere = post(&client, "/tasks/batch", "k1", &json!({ "tasks": [task] })).await;
    assert_eq!(elsewhere.status, 422, "another path is another request");

    let batch = json!({ "tasks": [task, { "description": "" }, task] });
    let first = post(&client, "/tasks/batch", "k2", &batch).await;
    let again = post(&client, "/tasks/batch", "k2", &batch).await;
    assert_eq!((&first.json, is_replay(&again)), (&again.json, true));
    assert_eq!(client.get("/tasks?project_id=idem").await.json["total"], 3);

    let project = json!({ "name": "made once" });
    assert_eq!(post(&client, "/projects", "k3", &project).await.status, 201);
    let again = post(&client, "/projects", "k3", &project).await;
    assert_eq!((again.status, is_replay(&again)), (201, true), "{}", again.text);

    let bad = json!({ "description": "" });
    let refused = post(&client, "/tasks", "k4", &bad).await;
    let again = post(&client, "/tasks", "k4", &bad).await;
    assert_eq!((refused.status, again.status, &again.text), (400, 400, &refused.text));
    assert!(!is_replay(&refused) && is_replay(&again));
    let mended = post(&client, "/tasks", "k4", &json!({ "description": "mended" })).await;
    assert_eq!((mended.status, &mended.json["error_code"]), (422, &json!(2004)));
    let unheard = client.request(Method::POST, "/api/v1/tasks").header("Idempotency-Key", "k6");
    assert_eq!(client.send(unheard.body("{}")).await.status, 415);
    assert_eq!(post(&client, "/tasks", "k6", &task).await.status, 201, "it was not judged: the key is free");

    assert_eq!(post(&client, "/projects/late/pause", "k7", &json!({})).await.status, 404);
    assert_eq!(post(&client, "/projects", "k8", &json!({ "name": "late" })).await.status, 201);
    let there = post(&client, "/projects/late/pause", "k7", &json!({})).await;
    assert_eq!((there.status, is_replay(&there)), (200, false), "it is there by now: {}", there.text);

    let key = post(&client, "/keys", "k5", &json!({ "name": "n", "scopes": ["read"] })).await;
    let again = post(&client, "/keys", "k5", &json!({ "name": "n", "scopes": ["read"] })).await;
    assert!(key.json["key"].is_string() && again.json["key"].is_null(), "no secret is kept");
    assert_eq!(key.json["key_id"], again.json["key_id"]);
    for bad in ["", &"k".repeat(256), "ü"] {
        let request = client.request(Method::POST, "/api/v1/tasks").header("Idempotency-Key", bad.as_bytes());
        let answer = client.send(request.json(&task)).await;
        assert_eq!((answer.status, answer.bad_fields()), (400, vec!["Idempotency-Key"]), "{bad}");
    }
}

#[tokio::test]
async fn two_gateways_serve_a_request_that_reaches_both_once() {
    let stack = Plan::gateway_only().with_second_gateway().start().await;
    let gateways = [stack.client(), stack.client_of(Role::SecondGateway)];
    let requests = (0..16).map(|number| {
        let client = &gateways[number % 2];
        async move {
            let key = format!("pair-{}", number / 2);
            let body = json!({ "description": key, "project_id": "both" });
            insist(client, "/tasks", &key, &body).await
        }
    });
    let answers = join_all(requests).await;
    for pair in answers.chunks(2) {
        assert_eq!(pair[0].status, 201, "{}", pair[0].text);
        assert_eq!(pair[0].json["task_id"], pair[1].json["task_id"]);
    }
    assert_eq!(gateways[0].get("/tasks?project_id=both").await.json["total"], 8);
}

/// Tasks of a batch, and requests that submit one task, in a round.
const BATCH: usize = 20;
const SINGLES: usize = 10;

#[tokio::test]
async fn a_gateway_that_dies_while_it_serves_makes_no_task_twice() {
    let lease = "DATS_API__IDEMPOTENCY_LEASE_SECONDS";
    let mut stack = Plan::gateway_only().setting(Role::Gateway, lease, "1").start().await;
    let body = |number: usize| json!({ "description": format!("task {number}"), "project_id": "crash" });
    let batch = json!({ "tasks": (0..BATCH).map(body).collect::<Vec<_>>() });
    for round in 1..=3 {
        let client = stack.client();
        let mut requests: Vec<(String, &str, Value)> =
            (0..SINGLES).map(|number| (format!("{round}-{number}"), "/tasks", body(number))).collect();
        requests.push((format!("{round}-batch"), "/tasks/batch", batch.clone()));
        let (answered, mut first_answer) = tokio::sync::mpsc::unbounded_channel();
        for (key, path, body) in requests.clone() {
            let (client, answered) = (client.clone(), answered.clone());
            tokio::spawn(async move {
                let answer = try_post(&client, path, &key, &body).await;
                let _ = answered.send(answer.is_some());
            });
        }
        // Some are served by now and others are not: wherever the kill hits them, the outcome has to be the same.
        first_answer.recv().await.unwrap();
        stack.crash(Role::Gateway).await;
        let client = stack.client();
        for (key, path, body) in &requests {
            let answer = insist(&client, path, key, body).await;
            assert!([200, 201].contains(&answer.status), "{}", answer.text);
        }
        let stored = client.get("/tasks?project_id=crash").await;
        assert_eq!(stored.json["total"], round * (SINGLES + BATCH), "{}", stored.text);
    }
}
