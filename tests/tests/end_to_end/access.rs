//! Keys from outside: who is let in, what each may see, and what stays in the audit log and out of the other logs.

use end_to_end::client::TASK_TIME;
use end_to_end::{Answer, Client, Plan, Role, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::wait_for;
use tokio::process::Command;

/// A client with a key.
struct Holder<'c> {
    client: &'c Client,
    key: String,
}

impl Holder<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method, path).header("X-API-Key", &self.key);
        self.client
            .send(match body {
                Some(body) => request.json(body),
                None => request,
            })
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, &format!("/api/v1{path}"), None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, &format!("/api/v1{path}"), Some(body)).await
    }

    /// Makes a key; it and its id.
    async fn make_key(&self, body: &Value) -> (String, String) {
        let made = self.post("/keys", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |name: &str| made.json[name].as_str().unwrap().to_owned();
        (text("key"), text("key_id"))
    }

    fn with_key(&self, key: String) -> Self {
        Self { client: self.client, key }
    }
}

/// Runs `api-gateway keys` with the settings of the stack's gateway; what it printed.
pub(crate) async fn keys_command(stack: &Stack, arguments: &[&str]) -> String {
    let launch = stack.launch_of(Role::Gateway);
    let mut command = Command::new(&launch.program);
    command.arg("keys").args(arguments).envs(launch.environment.iter().map(|(name, value)| (name, value)));
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn gateway_with_keys() -> Plan {
    with_keys(Plan::gateway_only())
}

fn with_keys(plan: Plan) -> Plan {
    plan.setting(Role::Gateway, "DATS_AUTH__ENABLED", "true")
        .setting(Role::Gateway, "DATS_AUTH__CACHE_SECONDS", "0")
        .setting(Role::Gateway, "LOG_LEVEL", "debug")
}

#[tokio::test]
async fn keys_open_what_they_are_for_and_changes_are_recorded() {
    let stack = gateway_with_keys().start().await;
    let client = stack.client();
    let admin = keys_command(&stack, &["create", "--name", "first", "--scopes", "admin"]).await;
    let admin = Holder { client: &client, key: admin };
    assert_eq!(client.get("/tasks").await.json["error_code"], 4010);
    assert_eq!(client.get("/health").await.status, 200);

    let (key, _) = admin.make_key(&json!({ "name": "reader", "scopes": ["read"] })).await;
    let reader = admin.with_key(key);
    let (key, writer_id) = admin.make_key(&json!({ "name": "writer", "scopes": ["read", "write"] })).await;
    let writer = admin.with_key(key);
    let task = json!({ "description": "a-very-private-description" });
    let refused = reader.post("/tasks", &task).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (403, &json!(4030)));
    let made = writer.post("/tasks", &task).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let task_id = made.json["task_id"].as_str().unwrap();
    assert_eq!(reader.get(&format!("/tasks/{task_id}")).await.status, 200);
    for path in ["/keys", "/audit"] {
        assert_eq!(writer.get(path).await.json["error_code"], 4030);
    }

    let log = admin.get("/audit").await;
    let entries = log.json["entries"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (entry["caller_name"].as_str().unwrap(), entry["path"].as_str().unwrap(), entry["status"].clone())
        })
        .collect();
    let expected = [
        ("writer", "/api/v1/tasks", json!(201)),
        ("reader", "/api/v1/tasks", json!(403)),
        ("first", "/api/v1/keys", json!(201)),
        ("first", "/api/v1/keys", json!(201)),
    ];
    assert_eq!(told, expected, "newest first, nothing of those who only look");
    assert_eq!(entries[0]["trace_id"].as_str(), Some(made.header("x-trace-id")));
    assert_eq!(entries[0]["location"], format!("/api/v1/tasks/{task_id}"));

    let revoked = admin.send(Method::DELETE, &format!("/api/v1/keys/{writer_id}"), None).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(writer.get("/tasks").await.json["error_code"], 4010);
    let unknown = admin.send(Method::DELETE, &format!("/api/v1/keys/{task_id}"), None).await;
    assert_eq!((unknown.status, &unknown.json["error_code"]), (404, &json!(3301)));
    let paused = admin.post("/tiers/tiny/pause", &json!({})).await;
    assert_eq!(paused.json["paused"]["by"], "first", "{}", paused.text);
    let listed = keys_command(&stack, &["list"]).await;
    assert_eq!((listed.lines().count(), listed.matches("revoked").count()), (3, 1), "{listed}");

    let logs = stack.logs_of(Role::Gateway);
    assert!(logs.contains("answered"), "the log is as detailed as it can be");
    for secret in [&admin.key, &reader.key, &writer.key, "a-very-private-description"] {
        assert!(!logs.contains(secret), "a secret is in the log");
    }
}

#[tokio::test]
async fn where_no_keys_are_asked_for_changes_are_recorded_too() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let task_id = client.submit_text("audited", "Write a function").await;
    client.post(&format!("/tasks/{task_id}/cancel"), &json!({})).await;
    let log = client.get("/audit?caller=anonymous").await;
    let told: Vec<_> = log.json["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["method"].clone(), entry["path"].clone(), entry["status"].clone()))
        .collect();
    let cancelled = (json!("POST"), json!(format!("/api/v1/tasks/{task_id}/cancel")), json!(200));
    assert_eq!(told, [cancelled, (json!("POST"), json!("/api/v1/tasks"), json!(201))]);
    assert_eq!(log.json["entries"][0]["peer"], "127.0.0.1");
}

#[tokio::test]
async fn a_key_that_is_bound_to_a_project_sees_nothing_of_others() {
    let stack = gateway_with_keys().start().await;
    let client = stack.client();
    let admin = keys_command(&stack, &["create", "--name", "first", "--scopes", "admin"]).await;
    let admin = Holder { client: &client, key: admin };
    let body = json!({ "name": "bound", "scopes": ["read", "write"], "projects": ["mine"] });
    let bound = admin.with_key(admin.make_key(&body).await.0);

    let task = |project: &str| json!({ "description": "d", "project_id": project });
    let foreign = admin.post("/tasks", &task("theirs")).await;
    let own = bound.post("/tasks", &task("mine")).await;
    assert_eq!((foreign.status, own.status), (201, 201), "{} {}", foreign.text, own.text);
    let refused = bound.post("/tasks", &task("theirs")).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (404, &json!(3001)));
    let batch = bound.post("/tasks/batch", &json!({ "tasks": [task("mine"), task("theirs")] })).await;
    assert_eq!((&batch.json["accepted"], &batch.json["rejected"]), (&json!(1), &json!(1)), "{}", batch.text);

    let foreign_id = foreign.json["task_id"].as_str().unwrap();
    let own_id = own.json["task_id"].as_str().unwrap();
    for path in ["", "/history", "/status", "/tree", "/stream"] {
        let answer = bound.get(&format!("/tasks/{foreign_id}{path}")).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(2001)), "{path}");
    }
    let cancelled = bound.post(&format!("/tasks/{foreign_id}/cancel"), &json!({})).await;
    assert_eq!(cancelled.json["error_code"], 2001);
    assert_eq!(admin.get(&format!("/tasks/{foreign_id}")).await.json["status"], "pending");
    assert_eq!(bound.get(&format!("/tasks/{own_id}")).await.status, 200);

    let projects_of = |answer: &Answer, list: &str, member: &str| -> Vec<String> {
        let items = answer.json[list].as_array().unwrap().iter();
        items.map(|item| item[member].as_str().unwrap().to_owned()).collect()
    };
    let tasks = bound.get("/tasks").await;
    assert_eq!(projects_of(&tasks, "tasks", "project_id"), ["mine", "mine"]);
    assert_eq!(tasks.json["total"], 2);
    assert_eq!(bound.get("/tasks?project_id=theirs").await.json["total"], 0);
    assert_eq!(projects_of(&bound.get("/projects").await, "projects", "id"), ["mine"]);
    assert_eq!(bound.get("/projects/theirs").await.json["error_code"], 3001);
    assert_eq!(bound.get("/projects/mine").await.status, 200);
    assert_eq!(bound.post("/projects", &json!({ "name": "more" })).await.json["error_code"], 4030);

    let trace = foreign.json["trace_id"].as_str().unwrap();
    let path = format!("/ws/{trace}?api_key={}", bound.key);
    let mut watcher = end_to_end::watcher::Watcher::open(&client, &path).await;
    assert_eq!(watcher.next().await["tasks"], json!([]), "the trace's task is of another project");
}

#[tokio::test]
async fn a_revoked_key_is_forgotten_by_the_other_gateway_too() {
    let both = |plan: Plan, name: &str, value: &str| {
        plan.setting(Role::Gateway, name, value).setting(Role::SecondGateway, name, value)
    };
    let plan = both(Plan::gateway_only().with_second_gateway(), "DATS_AUTH__ENABLED", "true");
    let stack = both(plan, "DATS_AUTH__CACHE_SECONDS", "1").start().await;
    let (one, two) = (stack.client(), stack.client_of(Role::SecondGateway));
    let admin = keys_command(&stack, &["create", "--name", "first", "--scopes", "admin"]).await;
    let admin = Holder { client: &one, key: admin };
    let (key, id) = admin.make_key(&json!({ "name": "k", "scopes": ["read"] })).await;
    let there = Holder { client: &two, key };
    assert_eq!(there.get("/tasks").await.status, 200);
    assert_eq!(admin.send(Method::DELETE, &format!("/api/v1/keys/{id}"), None).await.status, 204);
    wait_for("the other gateway refuses the key", std::time::Duration::from_secs(30), || async {
        (there.get("/tasks").await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_bound_key_sees_the_graph_without_what_other_projects_made() {
    let stack = with_keys(Plan::of(&[Role::Gateway, Role::Provenance])).start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let admin = keys_command(&stack, &["create", "--name", "first", "--scopes", "admin"]).await;
    let admin = Holder { client: &client, key: admin };
    let body = json!({ "name": "bound", "scopes": ["read"], "projects": ["mine"] });
    let bound = admin.with_key(admin.make_key(&body).await.0);
    for (artifact, input, project) in
        [("first", "spec", "mine"), ("foreign", "first", "theirs"), ("second", "foreign", "mine")]
    {
        let made = json!({
            "task_id": uuid::Uuid::now_v7(), "attempt": 1, "project_id": project, "artifact_id": artifact,
            "output": { "artifacts": [{ "artifact_id": artifact, "type": "code" }] }, "worker_id": "w",
            "inputs_consumed": [{ "artifact_id": input, "relationship": "consumed" }],
        });
        outsider.tell("task.events", "task.output.created", &made).await;
        wait_for(&format!("the record of {artifact}"), TASK_TIME, || async {
            (admin.get(&format!("/provenance/{artifact}")).await.status == 200).then_some(())
        })
        .await;
    }
    let total =
        async |holder: &Holder<'_>| holder.get("/provenance/first/dependents").await.json["total"].clone();
    assert_eq!((total(&admin).await, total(&bound).await), (json!(2), json!(1)));
    for path in ["dependents", "dependencies", "impact", "lineage", "export"] {
        for start in ["first", "second"] {
            let answer = bound.get(&format!("/provenance/{start}/{path}")).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            // What a record of its own used is written there; what it was is not to be found.
            let hidden = if path == "export" { "theirs" } else { "foreign" };
            assert!(!answer.text.contains(hidden), "{path} of {start}: {}", answer.text);
        }
    }
    assert_eq!(bound.get("/provenance/foreign").await.json["error_code"], 3101);
    let listed = bound.get("/provenance").await;
    assert_eq!(listed.json["records"].as_array().map(Vec::len), Some(2), "{}", listed.text);
}
