//! Webhooks: every status change is told, signed, again until it is taken, and never to a private network unless that
//! is allowed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{Client, Plan, Role};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::wait_for;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const PATIENCE: Duration = Duration::from_secs(90);

/// A receiver whose answer can be changed.
struct Receiver {
    server: MockServer,
    status: Arc<AtomicU16>,
}

impl Receiver {
    async fn answering(status: u16) -> Self {
        let server = MockServer::start().await;
        let status = Arc::new(AtomicU16::new(status));
        let answer = Arc::clone(&status);
        Mock::given(method("POST"))
            .respond_with(move |_: &Request| ResponseTemplate::new(answer.load(Ordering::SeqCst)))
            .mount(&server)
            .await;
        Self { server, status }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.expect("requests are recorded")
    }
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Checks the signature as a receiver would; the body.
fn verified(request: &Request, secret: &str) -> Value {
    let key = BASE64.decode(secret.strip_prefix("whsec_").expect("the prefix")).expect("base64");
    let (id, timestamp) = (header(request, "webhook-id"), header(request, "webhook-timestamp"));
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &request.body].concat();
    let signature = header(request, "webhook-signature").strip_prefix("v1,").expect("version 1");
    let signature = BASE64.decode(signature).expect("base64");
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed, &signature).expect("the right signature");
    serde_json::from_slice(&request.body).expect("JSON")
}

async fn webhook(client: &Client, project: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/projects/{project}/webhooks"), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

fn path(webhook: &Value) -> String {
    let text = |name: &str| webhook[name].as_str().expect("text").to_owned();
    format!("/projects/{}/webhooks/{}", text("project_id"), text("id"))
}

/// The webhook once it is what `is` asks for.
async fn when(client: &Client, webhook: &Value, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let path = path(webhook);
    wait_for(what, PATIENCE, || async {
        let found = client.try_send(client.request(Method::GET, &format!("/api/v1{path}"))).await?;
        (found.status == 200 && is(&found.json)).then_some(found.json)
    })
    .await
}

/// A task that is cancelled at once: one status change without any other service.
async fn cancelled_task(client: &Client, project: &str) -> String {
    let task_id = client.submit_text(project, "To be cancelled").await;
    let answer = client.post(&format!("/tasks/{task_id}/cancel"), &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    task_id
}

fn allowing() -> Plan {
    [Role::Gateway, Role::SecondGateway].into_iter().fold(Plan::gateway_only(), |plan, role| {
        plan.setting(role, "DATS_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true")
            .setting(role, "DATS_WEBHOOKS__RETRY_INITIAL_MS", "100")
            .setting(role, "DATS_WEBHOOKS__RETRY_FACTOR", "1.0")
    })
}

#[tokio::test]
async fn changes_are_told_signed_to_those_who_asked_for_them_whichever_replica_made_them() {
    let stack = allowing().with_second_gateway().start().await;
    let (client, second) = (stack.client(), stack.client_of(Role::SecondGateway));
    client.submit_text("hooks", "Makes the project").await;
    let (wanted, unwanted) = (Receiver::answering(204).await, Receiver::answering(204).await);
    let hook = webhook(&client, "hooks", &json!({ "url": wanted.server.uri() })).await;
    let other = json!({ "url": unwanted.server.uri(), "statuses": ["completed"] });
    let silent = webhook(&client, "hooks", &other).await;

    let mut tasks = BTreeSet::new();
    for round in 0..10 {
        tasks.insert(cancelled_task(if round % 2 == 0 { &client } else { &second }, "hooks").await);
    }
    cancelled_task(&client, "elsewhere").await;
    when(&client, &hook, "everything is told", |hook| {
        hook["pending_deliveries"] == 0 && !hook["last_success_at"].is_null()
    })
    .await;

    let requests = wanted.requests().await;
    let secret = hook["secret"].as_str().unwrap();
    let mut told = BTreeSet::new();
    for request in &requests {
        let body = verified(request, secret);
        assert_eq!(body["type"], "task.status.cancelled");
        assert_eq!(body["data"]["previous_status"], "pending");
        assert_eq!(header(request, "content-type"), "application/json");
        told.insert(body["data"]["task_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, tasks);
    let ids: BTreeSet<_> = requests.iter().map(|request| header(request, "webhook-id")).collect();
    assert_eq!(ids.len(), tasks.len(), "one delivery for each change");
    assert!(unwanted.requests().await.is_empty());
    let shown = client.get(&path(&silent)).await;
    assert!(shown.json["secret"].is_null() && shown.json["last_success_at"].is_null(), "{}", shown.text);
}

#[tokio::test]
async fn a_delivery_is_repeated_under_its_id_until_it_is_taken_also_across_a_crash() {
    let mut stack = allowing().start().await;
    let client = stack.client();
    client.submit_text("hooks", "Makes the project").await;
    let receiver = Receiver::answering(503).await;
    let hook = webhook(&client, "hooks", &json!({ "url": receiver.server.uri() })).await;
    let task_id = cancelled_task(&client, "hooks").await;
    let failing = when(&client, &hook, "it was tried", |hook| !hook["failing_since"].is_null()).await;
    assert_eq!((&failing["pending_deliveries"], &failing["enabled"]), (&json!(1), &json!(true)));
    assert!(failing["last_error"].as_str().unwrap().contains("503"), "{failing}");
    wait_for("it was tried again", PATIENCE, || async {
        (receiver.requests().await.len() >= 3).then_some(())
    })
    .await;

    stack.crash(Role::Gateway).await;
    receiver.answer(200);
    let well = when(&client, &hook, "it is taken", |hook| hook["pending_deliveries"] == 0).await;
    assert!(well["failing_since"].is_null() && well["last_error"].is_null(), "{well}");
    let requests = receiver.requests().await;
    let ids: BTreeSet<_> = requests.iter().map(|request| header(request, "webhook-id")).collect();
    assert_eq!(ids.len(), 1);
    let body = verified(requests.last().unwrap(), hook["secret"].as_str().unwrap());
    assert_eq!(body["data"]["task_id"], task_id);
}

#[tokio::test]
async fn a_webhook_that_fails_for_long_is_disabled_with_the_reason_and_goes_on_when_enabled() {
    let stack = allowing().setting(Role::Gateway, "DATS_WEBHOOKS__DISABLE_AFTER_SECONDS", "1").start().await;
    let client = stack.client();
    client.submit_text("hooks", "Makes the project").await;
    let receiver = Receiver::answering(500).await;
    let hook = webhook(&client, "hooks", &json!({ "url": receiver.server.uri() })).await;
    cancelled_task(&client, "hooks").await;
    let disabled = when(&client, &hook, "it is disabled", |hook| hook["enabled"] == false).await;
    let reason = disabled["disabled_reason"].as_str().unwrap();
    assert!(reason.contains("no delivery was taken for 1 seconds") && reason.contains("500"), "{reason}");
    assert_eq!(disabled["pending_deliveries"], 1, "what waits goes on waiting");

    receiver.answer(200);
    let put =
        client.request(Method::PUT, &format!("/api/v1{}", path(&hook))).json(&json!({ "enabled": true }));
    let enabled = client.send(put).await;
    assert_eq!((enabled.status, &enabled.json["enabled"]), (200, &json!(true)), "{}", enabled.text);
    when(&client, &hook, "it is taken", |hook| hook["pending_deliveries"] == 0).await;

    receiver.answer(410);
    cancelled_task(&client, "hooks").await;
    let gone = when(&client, &hook, "it is disabled at once", |hook| hook["enabled"] == false).await;
    assert!(gone["disabled_reason"].as_str().unwrap().contains("410"), "{gone}");
}

#[tokio::test]
async fn private_networks_are_refused_when_a_webhook_is_made_and_again_with_every_delivery() {
    let mut stack = allowing().start().await;
    let client = stack.client();
    client.submit_text("hooks", "Makes the project").await;
    let receiver = Receiver::answering(200).await;
    let hook = webhook(&client, "hooks", &json!({ "url": receiver.server.uri() })).await;

    let mut launch = stack.kill(Role::Gateway).await;
    launch.environment.retain(|(name, _)| name != "DATS_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES");
    stack.launch(Role::Gateway, launch);
    stack.ready(Role::Gateway).await;
    cancelled_task(&client, "hooks").await;
    let refused = when(&client, &hook, "it was tried", |hook| !hook["last_error"].is_null()).await;
    assert!(refused["last_error"].as_str().unwrap().contains("private network"), "{refused}");
    assert!(receiver.requests().await.is_empty());
    for url in
        [receiver.server.uri().as_str(), "http://localhost:1", "http://[::1]/", "http://169.254.169.254/"]
    {
        let answer = client.post("/projects/hooks/webhooks", &json!({ "url": url })).await;
        assert_eq!((answer.status, answer.bad_fields()), (400, vec!["url"]), "{url}: {}", answer.text);
    }
}

#[tokio::test]
async fn webhooks_are_listed_changed_deleted_and_limited() {
    let stack = allowing().setting(Role::Gateway, "DATS_WEBHOOKS__MAX_PER_PROJECT", "1").start().await;
    let client = stack.client();
    client.submit_text("hooks", "Makes the project").await;
    let secret = format!("whsec_{}", BASE64.encode([7; 32]));
    let body = json!({ "url": "https://a.example/x", "secret": secret, "description": "first" });
    let hook = webhook(&client, "hooks", &body).await;
    assert_eq!(hook["secret"], secret);
    let listed = client.get("/projects/hooks/webhooks").await.json;
    assert_eq!((&listed["total"], &listed["webhooks"][0]["id"]), (&json!(1), &hook["id"]));
    let code = |answer: &end_to_end::Answer| (answer.status, answer.json["error_code"].as_u64().unwrap_or(0));

    let answer = client.post("/projects/hooks/webhooks", &body).await;
    assert_eq!(code(&answer), (409, 3006), "{}", answer.text);
    let answer = client.post("/projects/nowhere/webhooks", &body).await;
    assert_eq!(code(&answer), (404, 3001), "{}", answer.text);
    assert_eq!(code(&client.get("/projects/nowhere/webhooks").await), (404, 3001));
    assert_eq!(code(&client.get("/projects/hooks/webhooks/one").await), (400, 1006));
    let stranger = path(&hook).replace("/hooks/", "/default/");
    assert_eq!(code(&client.get(&stranger).await), (404, 3005), "another project's is not shown");

    let put = |path: &str, body: Value| client.request(Method::PUT, &format!("/api/v1{path}")).json(&body);
    let change = json!({ "url": "https://b.example/", "statuses": ["failed"], "enabled": false });
    let changed = client.send(put(&path(&hook), change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.json["url"], "https://b.example/");
    assert_eq!(changed.json["statuses"], json!(["failed"]));
    assert_eq!(changed.json["description"], "first");
    assert_eq!(changed.json["disabled_reason"], "disabled by its owner");
    assert_eq!(code(&client.send(put(&stranger, json!({ "enabled": true }))).await), (404, 3005));
    let bad = client.send(put(&path(&hook), json!({ "url": "ftp://a", "id": 1 }))).await;
    assert_eq!((bad.status, bad.bad_fields()), (400, vec!["id"]), "{}", bad.text);

    let delete = |path: &str| client.request(Method::DELETE, &format!("/api/v1{path}"));
    assert_eq!(client.send(delete(&stranger)).await.status, 404);
    assert_eq!(client.send(delete(&path(&hook))).await.status, 204);
    assert_eq!(code(&client.get(&path(&hook)).await), (404, 3005));
}
