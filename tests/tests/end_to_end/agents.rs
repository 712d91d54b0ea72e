//! Work for agents, with agents that have the habits of real ones.

use std::time::{Duration, Instant};

use end_to_end::client::{TASK_TIME, has_ended};
use end_to_end::{Answer, Client, Plan, Role, Stack};
use serde_json::{Value, json};
use stand_ins::agent::{Agent, AgentSettings, Habits, Identity};
use test_support::wait_for;
use uuid::Uuid;

const ONLINE_SECONDS: &str = "2";

/// Services that miss an agent soon and try again soon.
fn impatient() -> Plan {
    [Role::Gateway, Role::SecondGateway].into_iter().fold(Plan::new(), |plan, gateway| {
        plan.setting(gateway, "DATS_AGENTS__ONLINE_SECONDS", ONLINE_SECONDS)
            .setting(gateway, "DATS_RECONCILERS__AGENTS_MS", "100")
            .setting(gateway, "DATS_TASK_MANAGEMENT__RETRY__INITIAL_SECONDS", "0.1")
    })
}

/// An agent that is quick and heard often, changed as the test likes.
fn agent(stack: &Stack, change: impl FnOnce(&mut Habits)) -> Agent {
    let mut settings = AgentSettings::new(stack.outsider().0.url());
    settings.habits.slow_echo = Duration::from_secs(1);
    settings.habits.heartbeat_interval = Duration::from_millis(50);
    change(&mut settings.habits);
    Agent::start(settings).expect("an agent")
}

fn work(task_id: Uuid, work_type: &str) -> Value {
    json!({ "task_id": task_id, "work_type": work_type, "parameters": { "message": "hello" } })
}

/// Work that must be taken in; the answer.
async fn dispatch(client: &Client, body: &Value) -> Value {
    let answer = client.post("/dispatch", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!((&answer.json["task_id"], &answer.json["status"]), (&body["task_id"], &json!("pending")));
    answer.json
}

async fn status(client: &Client, task_id: Uuid) -> Value {
    let answer = client.get(&format!("/status/{task_id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Its status once it has ended.
async fn ended(client: &Client, task_id: Uuid) -> Value {
    wait_for("the work has ended", TASK_TIME, || async {
        Some(status(client, task_id).await).filter(has_ended)
    })
    .await
}

async fn cancel(client: &Client, task_id: impl std::fmt::Display) -> Answer {
    client.post(&format!("/cancel/{task_id}"), &json!({})).await
}

/// The lines of a task's history about one kind of event, as `applied` or `ignored`.
async fn outcomes(client: &Client, task_id: Uuid, event: &str) -> Vec<String> {
    let history = client.history(&task_id.to_string()).await;
    let about = history.iter().filter(|line| line["event"] == event);
    about.map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn work_goes_to_an_agent_once_however_often_it_is_handed_in() {
    let mut stack = impatient().with_second_gateway().start().await;
    let _agent = agent(&stack, |habits| habits.answers = 2);
    let (client, second) = (stack.client(), stack.client_of(Role::SecondGateway));
    let (task_id, body) = (Uuid::new_v4(), |id| work(id, "echo"));
    let first = dispatch(&client, &body(task_id)).await;
    assert_eq!(dispatch(&second, &body(task_id)).await, first);
    let done = ended(&second, task_id).await;
    assert_eq!((&done["status"], &done["output"]), (&json!("completed"), &json!("Echo: hello")));
    assert_eq!((&done["exit_code"], &done["progress"]), (&json!(0), &json!("Completed")));
    assert_eq!((&done["request_id"], &done["trace_id"]), (&first["request_id"], &first["trace_id"]));
    assert_eq!((&done["work_type"], &done["error_message"]), (&json!("echo"), &Value::Null));
    assert!(done["duration_ms"].is_u64() && done["agent_id"].is_string(), "{done:#}");

    let other = json!({ "task_id": task_id, "work_type": "echo" });
    let refused = client.post("/dispatch", &other).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (409, &json!(2003)));
    stack.crash(Role::Gateway).await;
    let client = stack.client();
    assert_eq!(dispatch(&client, &body(task_id)).await, first);

    // Once more work has come back on the same way, a second result of the first would have been there too.
    let next = Uuid::new_v4();
    dispatch(&client, &body(next)).await;
    ended(&client, next).await;
    // One gateway may hear of the result before the other one hears of the hand-over.
    assert_eq!(outcomes(&client, task_id, "task.dispatched").await.len(), 1);
    assert_eq!(outcomes(&client, task_id, "task.completed").await, ["applied"]);
    let task = client.task(&task_id.to_string()).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn failed_work_is_tried_again_only_if_that_was_asked_for() {
    let stack = impatient().start().await;
    let _agent = agent(&stack, |_| ());
    let client = stack.client();
    let mut once = work(Uuid::new_v4(), "fail");
    once["parameters"] = json!({ "error_message": "no such host" });
    let mut twice = once.clone();
    let (once_id, twice_id) = (Uuid::new_v4(), Uuid::new_v4());
    once["task_id"] = json!(once_id);
    (twice["task_id"], twice["max_attempts"]) = (json!(twice_id), json!(2));
    dispatch(&client, &once).await;
    let first = dispatch(&client, &twice).await;

    let failed = ended(&client, once_id).await;
    assert_eq!((&failed["status"], &failed["error_message"]), (&json!("failed"), &json!("no such host")));
    assert_eq!((&failed["exit_code"], &failed["progress"]), (&json!(1), &json!("Failed")));
    assert_eq!(client.task(&once_id.to_string()).await["attempt"], 1);
    let failed = ended(&client, twice_id).await;
    assert_eq!(client.task(&twice_id.to_string()).await["attempt"], 2);
    assert_ne!(failed["request_id"], first["request_id"], "the current one");
    assert_eq!(dispatch(&client, &twice).await["request_id"], first["request_id"], "the first one");
}

#[tokio::test]
async fn progress_is_told_in_sentences_and_the_agent_is_listed_with_its_task() {
    let stack = impatient().start().await;
    let id = Uuid::new_v4();
    let _agent = agent(&stack, |habits| habits.identity = Identity::Stable(id));
    let client = stack.client();
    let task_id = Uuid::new_v4();
    dispatch(&client, &work(task_id, "slow_echo")).await;
    let listed = wait_for("the agent names its task", TASK_TIME, || async {
        let agent = client.get(&format!("/agents/{id}")).await;
        (agent.json["current_task_id"] == json!(task_id)).then_some(agent.json)
    })
    .await;
    assert_eq!((&listed["agent_type"], &listed["status"]), (&json!("infra"), &json!("online")));
    assert_eq!(listed["resources"]["cpu_percent"], 12.5);
    let told = wait_for("a step is told", TASK_TIME, || async {
        let told = status(&client, task_id).await;
        told["progress"].as_str().filter(|text| text.contains("echo part")).map(ToOwned::to_owned)
    })
    .await;
    assert!(told.starts_with("Step ") && told.ends_with("%)"), "{told}");
    let done = ended(&client, task_id).await;
    assert_eq!((&done["status"], &done["output"]), (&json!("completed"), &json!("Echo: hello")));
    let array = client.get("/agents?agent_type=infra&status=online").await;
    assert!(
        array.json.as_array().is_some_and(|agents| agents.iter().any(|agent| agent["agent_id"] == json!(id)))
    );
    assert_eq!(client.get("/agents?agent_type=code").await.json, json!([]));
}

#[tokio::test]
async fn the_task_of_an_agent_that_falls_silent_goes_to_another_one_under_a_new_request_id() {
    let stack = impatient().start().await;
    let id = Uuid::new_v4();
    let mortal = agent(&stack, |habits| {
        habits.identity = Identity::Stable(id);
        habits.heartbeat_interval = Duration::from_millis(20);
        habits.dies_in_job = Some(1);
    });
    let client = stack.client();
    let task_id = Uuid::new_v4();
    let first = dispatch(&client, &work(task_id, "slow_echo")).await;
    mortal.died().await;
    let _other = agent(&stack, |_| ());
    let done = ended(&client, task_id).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    assert_ne!(done["request_id"], first["request_id"]);
    let task = client.task(&task_id.to_string()).await;
    assert_eq!((&task["attempt"], &task["errors"][0]["code"]), (&json!(2), &json!("AGENT_LOST")));
    assert_eq!(client.get(&format!("/agents/{id}")).await.json["status"], "offline");
}

#[tokio::test]
async fn work_that_an_agent_without_a_lasting_id_took_along_comes_back_with_its_deadline() {
    let stack = impatient().start().await;
    let mortal = agent(&stack, |habits| habits.dies_in_job = Some(1));
    let client = stack.client();
    let task_id = Uuid::new_v4();
    let mut body = work(task_id, "echo");
    body["timeout_seconds"] = json!(2);
    dispatch(&client, &body).await;
    mortal.died().await;
    let _other = agent(&stack, |_| ());
    let done = ended(&client, task_id).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    let task = client.task(&task_id.to_string()).await;
    assert_eq!((&task["attempt"], &task["errors"][0]["code"]), (&json!(2), &json!("TIMEOUT")));
}

#[tokio::test]
async fn cancelled_work_stays_cancelled_whatever_the_agent_answers() {
    let stack = impatient().start().await;
    let client = stack.client();
    let (waiting, running) = (Uuid::new_v4(), Uuid::new_v4());
    dispatch(&client, &work(waiting, "echo")).await;
    client.in_phase(&waiting.to_string(), "ready").await;
    assert_eq!(status(&client, waiting).await["progress"], "Waiting for an agent");
    let cancelled = cancel(&client, waiting).await;
    assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("cancelled")));

    let _agent = agent(&stack, |_| ());
    dispatch(&client, &work(running, "slow_echo")).await;
    client.in_phase(&running.to_string(), "executing").await;
    assert_eq!(cancel(&client, running).await.status, 200);
    let begun = Instant::now();
    for task_id in [waiting, running] {
        let late = wait_for("the late result is recorded", TASK_TIME, || async {
            outcomes(&client, task_id, "task.completed").await.pop()
        })
        .await;
        assert_eq!(late, "ignored");
        let after = status(&client, task_id).await;
        assert_eq!((&after["status"], &after["output"]), (&json!("cancelled"), &Value::Null));
        let again = cancel(&client, task_id).await;
        assert_eq!((again.status, &again.json["error_code"]), (400, &json!(2002)), "{}", again.text);
    }
    assert!(begun.elapsed() < TASK_TIME);
}

/// The result of a request, as an agent answers it.
fn result(request: &Value, output: &str) -> Value {
    let payload = &request["payload"];
    json!({
        "protocol_version": "1.0", "message_id": Uuid::new_v4(), "type": "work_result", "priority": 3,
        "from_agent": "infra", "to_agent": "orchestrator", "timestamp": "2026-11-21T00:19:32.975031",
        "trace_id": request["trace_id"], "request_id": request["request_id"], "x_custom_fields": {},
        "payload": {
            "task_id": payload["task_id"], "status": "completed", "exit_code": 0, "output": output,
            "duration_ms": 3, "agent_id": Uuid::new_v4(), "request_id": request["request_id"],
        },
    })
}

#[tokio::test]
async fn a_result_that_comes_again_long_after_a_restart_changes_nothing() {
    let mut stack = Plan::new().start().await;
    let client = stack.client();
    let task_id = Uuid::new_v4();
    dispatch(&client, &work(task_id, "echo")).await;
    let request = stack.outsider().0.next_message("work_queue").await.body_json();
    let first = result(&request, "the first");
    let (queue, body) = ("reply_queue", serde_json::to_vec(&first).unwrap());
    stack.outsider().publish("", queue, &body).await;
    let done = ended(&client, task_id).await;
    assert_eq!((&done["status"], &done["output"]), (&json!("completed"), &json!("the first")));
    let record = client.record_when(&task_id.to_string(), "passed").await;

    for role in [Role::Gateway, Role::Routing, Role::Provenance] {
        stack.crash(role).await;
    }
    // By then it is forgotten which events were applied: the task itself has to know.
    for database in [stack.gateway_database(), stack.provenance_database()] {
        database.client().await.batch_execute("DELETE FROM inbox").await.unwrap();
    }
    let client = stack.client();
    stack.outsider().publish("", queue, &body).await;
    stack.outsider().publish("", queue, &serde_json::to_vec(&result(&request, "another")).unwrap()).await;
    let again =
        || async { Some(outcomes(&client, task_id, "task.completed").await).filter(|all| all.len() > 1) };
    let outcomes = wait_for("the repeated result is recorded", TASK_TIME, again).await;
    assert_eq!(
        outcomes,
        ["applied", "ignored"],
        "the two later ones are the same result of the same hand-over"
    );
    assert_eq!(ended(&client, task_id).await, done);
    assert_eq!(client.record_when(&task_id.to_string(), "passed").await, record);
}

#[tokio::test]
async fn bad_work_is_refused_by_field_and_status_answers_for_every_task() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let unknown = client.post("/dispatch", &work(Uuid::new_v4(), "bake")).await;
    assert_eq!((unknown.status, &unknown.json["error_code"]), (400, &json!(1001)));
    assert_eq!(unknown.bad_fields(), ["work_type"]);
    for known in ["ansible", "gpu_status", "code_review", "research", "slow_echo"] {
        assert!(unknown.json["detail"].as_str().unwrap().contains(known), "{}", unknown.text);
    }
    let bad = json!({ "task_id": "7", "work_type": "", "parameters": [], "priority": "high", "colour": 1 });
    let refused = client.post("/dispatch", &bad).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (400, &json!(1002)));
    assert_eq!(refused.bad_fields(), ["task_id", "work_type", "parameters", "priority", "colour"]);

    let nobody = Uuid::new_v4();
    for (answer, status, code) in [
        (client.get("/status/7").await, 400, 1006),
        (client.get(&format!("/status/{nobody}")).await, 404, 2001),
        (cancel(&client, "7").await, 400, 1006),
        (cancel(&client, nobody).await, 404, 2001),
        (client.get("/agents/7").await, 400, 1006),
        (client.get(&format!("/agents/{nobody}")).await, 404, 3201),
        (client.get("/agents?status=away").await, 400, 1002),
        (client.get("/agents?agent_type=kitchen").await, 400, 1002),
        (client.get("/agents?colour=red").await, 400, 1002),
    ] {
        assert_eq!((answer.status, &answer.json["error_code"]), (status, &json!(code)), "{}", answer.text);
    }
    assert_eq!(client.get("/agents").await.json, json!([]));

    let task_id: Uuid = client.submit_text("web", "Write a parser").await.parse().unwrap();
    let shown = status(&client, task_id).await;
    assert_eq!((&shown["status"], &shown["work_type"]), (&json!("pending"), &Value::Null));
    assert_eq!(shown["progress"], "Looking for the right worker");
    let taken = client.post("/dispatch", &work(task_id, "echo")).await;
    assert_eq!((taken.status, &taken.json["error_code"]), (409, &json!(2003)));
}
