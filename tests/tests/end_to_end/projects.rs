//! Projects and batches as a client uses them, with the gateway's own database behind it.

use end_to_end::Plan;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_project_settles_what_its_tasks_begin_with_and_stays_while_it_has_any() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    let send = async |method: Method, path: &str, body: serde_json::Value| {
        client.send(client.request(method, &format!("/api/v1{path}")).json(&body)).await
    };
    let config = json!({ "default_mode": "collaborative", "max_concurrent": "2" });
    let made = client.post("/projects", &json!({ "name": "My Project", "config": config })).await;
    assert_eq!((made.status, &made.json["id"]), (201, &json!("my-project")), "{}", made.text);
    assert_eq!(made.json["config"]["max_concurrent"], 2);
    let again = client.post("/projects", &json!({ "name": "my project" })).await;
    assert_eq!((again.status, &again.json["error_code"]), (409, &json!(3002)));

    let rules = json!({ "language": "Rust" });
    let told = client.post("/projects/my-project/constitution", &rules).await;
    assert_eq!((told.status, &told.json["constitution"]), (200, &rules), "{}", told.text);
    let change = json!({ "description": "mine", "config": { "escalate_tier": "false" } });
    let changed = send(Method::PUT, "/projects/my-project", change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.json["config"]["default_mode"], "collaborative", "what is not given stays");

    let tasks = json!({ "tasks": [
        { "description": "one", "project_id": "my-project" },
        { "description": "", "project_id": "my-project" },
        { "description": "three", "project_id": "my-project", "mode": "autonomous" },
    ] });
    let batch = client.post("/tasks/batch", &tasks).await;
    assert_eq!(batch.status, 200, "{}", batch.text);
    assert_eq!((&batch.json["accepted"], &batch.json["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(batch.json["results"][1]["error"]["errors"][0]["field"], "description");

    let listed = client.get("/projects/my-project/tasks?page=1&page_size=10").await;
    assert_eq!((&listed.json["total"], &listed.json["page"]), (&json!(2), &json!(1)), "{}", listed.text);
    let modes: Vec<(&str, &str)> = listed.json["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["description"].as_str().unwrap(), task["mode"].as_str().unwrap()))
        .collect();
    assert!(
        modes.contains(&("one", "collaborative")) && modes.contains(&("three", "autonomous")),
        "{modes:?}"
    );

    let task_id = batch.json["results"][0]["task_id"].as_str().unwrap();
    let tree = client.get(&format!("/tasks/{task_id}/tree")).await;
    assert_eq!(
        (&tree.json["root"]["task_id"], &tree.json["root"]["children"]),
        (&json!(task_id), &json!([]))
    );
    let delete = async |project: &str| {
        let answer =
            client.send(client.request(Method::DELETE, &format!("/api/v1/projects/{project}"))).await;
        (answer.status, answer.json["error_code"].as_u64())
    };
    assert_eq!(delete("my-project").await, (409, Some(3003)));
    assert_eq!(delete("default").await, (400, Some(3004)));
    assert_eq!(delete("nothing").await, (404, Some(3001)));
    client.post("/projects", &json!({ "name": "short lived" })).await;
    assert_eq!(delete("short-lived").await, (204, None));
    assert_eq!(client.get("/projects").await.json["total"], 2);
}
