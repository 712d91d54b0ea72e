//! RabbitMQ or PostgreSQL away and back: what was accepted is kept, what cannot be accepted is refused in the right
//! words, and nothing needs a restart.

use std::time::Duration;

use end_to_end::{Client, Plan, Role};
use serde_json::json;
use test_support::wait_for;

/// Time for a service to notice that something is away: two missed heartbeats, and then some.
const NOTICE: Duration = Duration::from_secs(40);

async fn readiness_turns(client: &Client, status: u16) {
    let what = format!("/readyz of {} answers {status}", client.url());
    wait_for(&what, NOTICE, || async { (client.probe("/readyz").await.status == status).then_some(()) })
        .await;
}

#[tokio::test]
async fn without_the_broker_submissions_are_accepted_and_flow_when_it_returns() {
    let mut stack = Plan::new().behind_proxies().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let before = client.submit_text("away", "Write a function before").await;
    assert_eq!(client.ended(&before).await["status"], "completed");

    let broker = stack.broker_proxy.take().unwrap();
    broker.cut();
    for role in [Role::Gateway, Role::Routing, Role::Provenance] {
        readiness_turns(&stack.client_of(role), 503).await;
        assert_eq!(stack.client_of(role).probe("/livez").await.status, 200);
    }
    // The gateway goes on taking tasks in: a prober that says so keeps sending requests to it.
    wait_for("the gateway is degraded", NOTICE, || async {
        (client.get("/health").await.json["status"] == "degraded").then_some(())
    })
    .await;
    let ready = client.probe("/readyz?tolerate=rabbitmq").await;
    assert_eq!(
        (ready.status, &ready.json["dependencies"]["rabbitmq"]["status"]),
        (200, &json!("down")),
        "{}",
        ready.text
    );
    let mut task_ids = Vec::new();
    for number in 0..20 {
        task_ids.push(client.submit_text("away", &format!("Write function {number} meanwhile")).await);
    }
    assert_eq!(client.task(&task_ids[0]).await["status"], "pending");
    let record = client.get(&format!("/provenance/{before}")).await;
    assert!([503, 504].contains(&record.status), "{}", record.text);

    broker.restore();
    for task_id in &task_ids {
        assert_eq!(client.ended(task_id).await["status"], "completed");
    }
    for role in [Role::Gateway, Role::Routing, Role::Provenance] {
        readiness_turns(&stack.client_of(role), 200).await;
        assert!(stack.is_running(role));
    }
    for task_id in &task_ids {
        client.record_when(task_id, "passed").await;
    }
}

#[tokio::test]
async fn without_the_database_requests_get_503_and_all_goes_on_when_it_returns() {
    let mut stack = Plan::new().behind_proxies().start().await;
    let client = stack.client();
    let mut task_ids = Vec::new();
    for number in 0..10 {
        task_ids.push(client.submit_text("dry", &format!("Write function {number} [takes 500ms]")).await);
    }
    let _stand_ins = stack.stand_ins();
    client.in_phase(&task_ids[0], "executing").await;

    // Outputs and verdicts arrive while the gateway cannot store them.
    let database = stack.database_proxy.take().unwrap();
    database.cut();
    for role in [Role::Gateway, Role::Provenance] {
        readiness_turns(&stack.client_of(role), 503).await;
        assert_eq!(stack.client_of(role).probe("/livez").await.status, 200);
    }
    let body = json!({ "description": "x", "project_id": "dry" });
    for answer in [
        client.post("/tasks", &body).await,
        client.get(&format!("/tasks/{}", task_ids[0])).await,
        client.get("/tasks").await,
        client.get("/projects/dry/status").await,
        client.post(&format!("/tasks/{}/cancel", task_ids[0]), &json!({})).await,
    ] {
        assert_eq!((answer.status, &answer.json["error_code"]), (503, &json!(5030)), "{}", answer.text);
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{:?}", answer.headers);
    }

    database.restore();
    readiness_turns(&client, 200).await;
    task_ids.push(client.submit_text("dry", "Write a function afterwards").await);
    for task_id in &task_ids {
        assert_eq!(client.ended(task_id).await["status"], "completed");
        client.record_when(task_id, "passed").await;
    }
    for (role, queue) in [(Role::Gateway, "orchestration-events"), (Role::Provenance, "provenance-events")] {
        assert!(stack.is_running(role));
        assert_eq!(stack.outsider().depth(&format!("{queue}.dead")).await, 0, "{queue}");
    }
}

#[tokio::test]
async fn a_gateway_that_waits_for_its_database_says_that_it_lives_and_is_not_ready() {
    let mut stack = Plan::gateway_only().behind_proxies().start().await;
    let database = stack.database_proxy.take().unwrap();
    database.cut();
    let launch = stack.kill(Role::Gateway).await;
    stack.launch(Role::Gateway, launch);
    let client = stack.client();
    wait_for("the gateway listens", NOTICE, || async {
        client.try_send(client.request(reqwest::Method::GET, "/livez")).await
    })
    .await;
    assert_eq!(client.probe("/livez").await.status, 200);
    let ready = client.probe("/readyz").await;
    assert_eq!((ready.status, &ready.json["dependencies"]["database"]["status"]), (503, &json!("down")));
    assert_eq!(ready.json["phase"], "starting");
    assert_eq!(client.probe("/metrics").await.status, 200);
    for answer in [client.get("/tasks").await, client.post("/tasks", &json!({ "description": "x" })).await] {
        assert_eq!((answer.status, &answer.json["error_code"]), (503, &json!(5030)), "{}", answer.text);
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{:?}", answer.headers);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    database.restore();
    stack.ready(Role::Gateway).await;
    client.submit_text("patient", "Write a function").await;
}

#[tokio::test]
async fn a_network_that_hangs_is_noticed_and_its_end_too() {
    let stack = Plan::new().behind_proxies().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let first = client.submit_text("hanging", "Write a function before").await;
    assert_eq!(client.ended(&first).await["status"], "completed");

    // Nobody is told that the database is away: connections stay open and nothing comes back.
    let database = stack.database_proxy.as_ref().unwrap();
    database.freeze();
    readiness_turns(&client, 503).await;
    assert_eq!(client.probe("/livez").await.status, 200);
    database.restore();
    readiness_turns(&client, 200).await;

    let broker = stack.broker_proxy.as_ref().unwrap();
    broker.freeze();
    let mut task_ids = Vec::new();
    for number in 0..5 {
        task_ids.push(client.submit_text("hanging", &format!("Write function {number} meanwhile")).await);
    }
    readiness_turns(&stack.client_of(Role::Routing), 503).await;
    broker.restore();
    for task_id in &task_ids {
        assert_eq!(client.ended(task_id).await["status"], "completed");
    }
}
