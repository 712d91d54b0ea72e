//! What happens when an artifact turns out wrong: its dependents are suspect, tasks that would use it are held, and a
//! rollback runs the work again.

use end_to_end::client::{Answer, Client, TASK_TIME};
use end_to_end::{Plan, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn completed(client: &Client, task_id: &str) -> Value {
    let task = client.ended(task_id).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    task
}

/// The only artifact of a completed task.
fn artifact(task: &Value) -> String {
    task["artifacts"][0]["id"].as_str().expect("an artifact").to_owned()
}

/// Work, and work that is built on it, each with its record.
async fn work_on_work(client: &Client, project: &str) -> [Value; 2] {
    let first = client.submit_text(project, "Write a price list").await;
    let body = json!({ "description": "Write a shop", "project_id": project, "depends_on": [first] });
    let second = client.submit(&body).await;
    let tasks = [completed(client, &first).await, completed(client, &second).await];
    for task in &tasks {
        client.record_when(&artifact(task), "passed").await;
    }
    tasks
}

async fn start() -> (Stack, Client) {
    let stack = Plan::new().start().await;
    let client = stack.client();
    (stack, client)
}

fn expect(answer: Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_taint_reaches_what_is_built_on_it_and_holds_tasks_until_it_is_cleared() {
    let (stack, client) = start().await;
    let _stand_ins = stack.stand_ins();
    let [first, second] = work_on_work(&client, "shop").await.map(|task| artifact(&task));
    let reason = json!({ "reason": "prices of last year", "severity": "high" });
    let taint = expect(client.post(&format!("/provenance/{first}/taint"), &reason).await, 202);
    let record = client.record_when(&second, "suspect").await;
    assert_eq!(record["taint"]["cascade_id"], taint["cascade_id"]);
    assert_eq!(record["taint"]["suspect_source"], json!(first));
    let again = expect(client.post(&format!("/provenance/{first}/taint"), &reason).await, 202);
    assert_eq!(again["cascade_id"], taint["cascade_id"], "it is tainted already");

    let using = |artifact: &str| json!({ "description": "Write an advert", "project_id": "shop", "inputs": [{ "artifact_id": artifact }] });
    let held = client.submit(&using(&first)).await;
    let told = client.submit(&using(&first)).await;
    for id in [&held, &told] {
        let task = client.in_phase(id, "blocked").await;
        assert_eq!(task["waiting_for"]["reason"], "tainted_input", "{task:#}");
        assert!(task["waiting_for"]["detail"].as_str().unwrap().contains(&first));
    }
    completed(&client, &client.submit(&using(&second)).await).await;
    expect(client.post(&format!("/tasks/{told}/release"), &json!({ "reason": "it will do" })).await, 202);
    completed(&client, &told).await;
    assert_eq!(client.task(&held).await["phase"], "blocked");

    let cleared = expect(client.post(&format!("/provenance/{first}/clear"), &json!({})).await, 200);
    assert_eq!(cleared, json!({ "artifact_id": first, "cleared": true }));
    completed(&client, &held).await;
    client.record_when(&second, "passed").await;
    let again = expect(client.post(&format!("/provenance/{first}/clear"), &json!({})).await, 200);
    assert_eq!(again["cleared"], false);

    for (path, code) in [("taint", 3102), ("clear", 3102)] {
        let answer = client.post(&format!("/provenance/nothing/{path}"), &reason_of(path)).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(code)), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_taint_that_was_imported_holds_tasks_as_well() {
    let (stack, client) = start().await;
    let _stand_ins = stack.stand_ins();
    let record = |id: &str, artifact: &str, is_tainted: bool| {
        let body = json!({ "id": id, "task_id": id, "project_id": "shop", "outputs": [{ "artifact_id": artifact }],
            "taint": { "is_tainted": is_tainted, "tainted_reason": "prices of last year" } });
        json!({ "kind": "record", "file": format!("{id}.json"), "body": body }).to_string()
    };
    let lines = [record("prices", "price-list", true), record("logo", "shop-logo", false)].join("\n");
    let import = client.request(Method::POST, "/api/v1/provenance/import");
    let import = import.header("content-type", "application/x-ndjson").body(lines);
    let imported = client.send(import).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    let using = |artifact: &str| json!({ "description": "Write an advert", "project_id": "shop", "inputs": [{ "artifact_id": artifact }] });
    // The taint travels as an event; until it has arrived nobody can know.
    test_support::wait_for("a task is held because of it", test_support::PATIENCE, || async {
        let task = client.submit(&using("price-list")).await;
        let is_decided = |task: &Value| task["phase"] == "blocked" || task["status"] == "completed";
        let task = client.task_when(&task, "held or completed", TASK_TIME, is_decided).await;
        (task["waiting_for"]["reason"] == "tainted_input").then_some(())
    })
    .await;
    completed(&client, &client.submit(&using("shop-logo")).await).await;
}

fn reason_of(path: &str) -> Value {
    json!({ "reason": path })
}

#[tokio::test]
async fn a_rollback_says_what_it_would_do_and_runs_the_work_again() {
    let (stack, client) = start().await;
    let _stand_ins = stack.stand_ins();
    let before = client.submit_text("shop", "Write a plan").await;
    let before = artifact(&completed(&client, &before).await);
    client.record_when(&before, "passed").await;
    let made =
        expect(client.post("/projects/shop/checkpoints", &json!({ "description": "good" })).await, 201);
    assert_eq!((&made["provenance_count"], &made["is_valid"]), (&json!(1), &json!(true)));
    let checkpoint = made["checkpoint_id"].as_str().unwrap();
    let tasks = work_on_work(&client, "shop").await;
    let ids = tasks.each_ref().map(|task| task["task_id"].as_str().unwrap().to_owned());

    let path = format!("/checkpoints/{checkpoint}/rollback");
    let numbers = expect(client.post(&path, &json!({ "dry_run": true })).await, 200);
    assert_eq!((&numbers["records_invalidated"], &numbers["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(client.task(&ids[0]).await["attempt"], 1, "nothing is changed");
    let asked = expect(client.post(&path, &json!({ "reason": "wrong turn" })).await, 202);
    let rollback = asked["rollback_id"].as_str().unwrap();
    for id in &ids {
        let what = "completed by its second attempt";
        let is = |task: &Value| task["attempt"] == 2 && task["status"] == "completed";
        let task = client.task_when(id, what, TASK_TIME, is).await;
        client.record_when(&artifact(&task), "passed").await;
    }
    let done = expect(client.get(&format!("/rollbacks/{rollback}")).await, 200);
    assert_eq!((&done["status"], &done["tasks_reopened"]), (&json!("completed"), &json!(2)), "{done:#}");
    assert_eq!(done["artifact_ids"], numbers["artifact_ids"]);
    client.record_when(&before, "passed").await;
    for task in &tasks {
        client.record_when(task["provenance_id"].as_str().unwrap(), "tainted").await;
    }
    let listed = expect(client.get("/projects/shop/checkpoints").await, 200);
    assert_eq!(listed["checkpoints"][0]["checkpoint_id"], checkpoint);

    let unknown = Uuid::now_v7();
    for (path, code) in
        [(format!("/checkpoints/{unknown}/rollback"), 3103), ("/projects/none/checkpoints".to_owned(), 3001)]
    {
        let answer = client.post(&path, &json!({})).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(code)), "{}", answer.text);
    }
    let answer = client.get(&format!("/rollbacks/{unknown}")).await;
    assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(3105)));
}
