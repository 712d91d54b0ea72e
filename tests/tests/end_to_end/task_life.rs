//! What becomes of tasks, from `POST /tasks` to the end, with every service, a worker and QA.

use std::time::Duration;

use end_to_end::client::TASK_TIME;
use end_to_end::{Plan, Role};
use serde_json::{Value, json};
use uuid::{Uuid, Version};

/// Namespace of provenance ids, as the contract writes it.
const PROVENANCE_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_7b1e_6c0a_5d2e_9a55_0d5c_1f6f_6a11);

/// `event` of every entry that changed the task.
fn applied(history: &[Value]) -> Vec<&str> {
    history
        .iter()
        .filter(|entry| entry["outcome"] == "applied")
        .filter_map(|entry| entry["event"].as_str())
        .collect()
}

#[tokio::test]
async fn a_task_goes_from_submission_to_completed_and_leaves_a_provenance_record() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let trace_id = Uuid::new_v4();
    let request = client
        .request(reqwest::Method::POST, "/api/v1/tasks")
        .header("traceparent", format!("00-{}-00f067aa0ba902b7-01", trace_id.simple()))
        .json(&json!({
            "description": "Write a function that sorts dates", "project_id": "happy.path",
            "priority": "high", "metadata": { "tags": ["first"], "requester": "e2e" },
        }));
    let accepted = client.send(request).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text);
    let task_id = accepted.json["task_id"].as_str().unwrap().to_owned();
    assert_eq!(Uuid::parse_str(&task_id).unwrap().get_version(), Some(Version::SortRand));
    assert_eq!(accepted.header("x-trace-id"), trace_id.to_string());
    assert!(accepted.header("location").ends_with(&format!("/api/v1/tasks/{task_id}")));
    assert_eq!(
        (&accepted.json["status"], &accepted.json["project_id"], &accepted.json["trace_id"]),
        (&json!("pending"), &json!("happy.path"), &json!(trace_id.to_string()))
    );

    let task = client.ended(&task_id).await;
    assert_eq!(
        (&task["status"], &task["phase"], &task["attempt"]),
        (&json!("completed"), &json!("done"), &json!(1))
    );
    assert_eq!((&task["domain"], &task["priority"]), (&json!("code-general"), &json!("high")));
    assert_eq!((&task["worker_id"], &task["error"]), (&json!("stand-in-worker"), &Value::Null));
    assert_eq!(task["trace_id"], trace_id.to_string());
    assert_eq!(task["routing"]["analyzer"], "rules");
    assert!(!task["routing"]["reasons"].as_array().unwrap().is_empty());
    let artifact = &task["artifacts"][0];
    assert_eq!(artifact["checksum"].as_str().unwrap().len(), 64);
    let provenance_id = Uuid::new_v5(&PROVENANCE_NAMESPACE, format!("{task_id}/1").as_bytes()).to_string();
    assert_eq!(task["provenance_id"], provenance_id);

    for id in [provenance_id.as_str(), artifact["id"].as_str().unwrap(), &task_id] {
        let record = client.record_when(id, "passed").await;
        assert_eq!(record["id"], provenance_id);
        assert_eq!((&record["task_id"], &record["attempt"]), (&json!(task_id), &json!(1)));
        assert_eq!(record["project_id"], "happy.path");
        assert_eq!(record["outputs"][0]["checksum"], artifact["checksum"]);
        assert_eq!(record["model_used"], task["model_used"]);
        assert_eq!(record["taint"]["is_tainted"], false);
    }

    let history = client.history(&task_id).await;
    let sequences: Vec<i64> = history.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    let events = applied(&history);
    assert!(events.contains(&"task.output.created") && events.contains(&"task.validated"), "{events:?}");
    assert_eq!(client.counts("happy.path").await["completed"], 1);
    let listed = client.get("/tasks?project_id=happy.path&status=completed&tag=first").await;
    assert_eq!((&listed.json["total"], &listed.json["tasks"][0]["task_id"]), (&json!(1), &json!(task_id)));
}

#[tokio::test]
async fn a_rejected_output_is_made_again_with_what_qa_said_and_a_passing_failure_is_tried_again() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let rejected = client.submit_text("again", "Write a parser for INI files [reject-once]").await;
    let failed = client.submit_text("again", "Write a parser for CSV files [fail-once]").await;

    let task = client.ended(&rejected).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(2)));
    assert_eq!(task["errors"][0]["attempt"], 1);
    assert!(task["errors"][0]["message"].as_str().unwrap().contains("test"), "{task:#}");
    // The worker leaves the test out until feedback asks for it, so the second output proves that it was told.
    for (attempt, status) in [(1, "failed"), (2, "passed")] {
        let id = Uuid::new_v5(&PROVENANCE_NAMESPACE, format!("{rejected}/{attempt}").as_bytes());
        let record = client.record_when(&id.to_string(), status).await;
        assert_eq!(record["attempt"], attempt);
    }

    let task = client.ended(&failed).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(2)));
    assert_eq!(task["errors"][0]["code"], "MODEL_ERROR");
}

#[tokio::test]
async fn a_task_ends_failed_when_nothing_will_help_and_when_its_attempts_or_its_time_are_used_up() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let hopeless = client.submit_text("failing", "Do the impossible [fail]").await;
    let options = json!({ "max_attempts": 2 });
    let description = "Write a sorting function [reject-always]";
    let rejected = json!({ "description": description, "project_id": "failing", "options": options });
    let rejected = client.submit(&rejected).await;
    let options = json!({ "timeout_seconds": 1, "max_attempts": 1 });
    let silent =
        json!({ "description": "Say nothing [silent]", "project_id": "failing", "options": options });
    let silent = client.submit(&silent).await;

    let task = client.ended(&hopeless).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)));
    assert_eq!((&task["error"]["code"], &task["error"]["retryable"]), (&json!("IMPOSSIBLE"), &json!(false)));

    let task = client.ended(&silent).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)));
    assert_eq!(task["error"]["code"].as_str().unwrap().to_lowercase(), "timeout");

    let task = client.ended(&rejected).await;
    assert_eq!(
        (&task["status"], &task["attempt"], &task["max_attempts"]),
        (&json!("failed"), &json!(2), &json!(2))
    );
    assert_eq!(task["errors"].as_array().unwrap().len(), 2);
    assert_eq!(client.counts("failing").await["failed"], 3);
}

#[tokio::test]
async fn a_cancelled_task_stays_cancelled_and_its_worker_stops() {
    let stack = Plan::new().start().await;
    let (_worker, _qa) = (stack.worker(|settings| settings.concurrency = 1), stack.qa());
    let client = stack.client();
    let task_id = client.submit_text("cancelled", "Work for a minute [takes 60000ms]").await;
    client.in_phase(&task_id, "executing").await;
    let cancel = format!("/tasks/{task_id}/cancel");
    let answer = client.post(&cancel, &json!({ "reason": "no longer wanted" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        (&answer.json["status"], &answer.json["previous_status"]),
        (&json!("cancelled"), &json!("running"))
    );
    let again = client.send(client.request(reqwest::Method::POST, &format!("/api/v1{cancel}"))).await;
    assert_eq!((again.status, &again.json["status"]), (200, &json!("cancelled")), "{}", again.text);

    // A result that was on its way all the same changes nothing and is kept in the history.
    let outsider = stack.outsider();
    let late =
        json!({ "task_id": task_id, "artifact_id": "late", "attempt": 1, "output": { "content": "late" } });
    outsider.tell("task.events", "task.output.created", &late).await;
    let what = "the late output in the history";
    let entry = test_support::wait_for(what, TASK_TIME, || async {
        let history = client.history(&task_id).await;
        history
            .into_iter()
            .find(|entry| entry["outcome"] == "ignored" && entry["event"] == "task.output.created")
    })
    .await;
    assert!(entry["reason"].as_str().unwrap().contains("cancelled"), "{entry}");
    assert_eq!(client.task(&task_id).await["status"], "cancelled");

    // The worker is free again: it has one slot, which the cancelled task held.
    let other = client.submit_text("cancelled", "Write a small function").await;
    assert_eq!(client.ended(&other).await["status"], "completed");
    let refused = client.post(&format!("/tasks/{other}/cancel"), &json!({})).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (409, &json!(2002)), "{}", refused.text);
}

#[tokio::test]
async fn a_project_has_no_more_tasks_under_way_than_its_limit_and_output_without_qa_completes() {
    let limit = "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT";
    let stack = Plan::new().setting(Role::Gateway, limit, "2").start().await;
    let client = stack.client();
    let mut task_ids = Vec::new();
    for number in 0..5 {
        let options = json!({ "qa_profile": "none" });
        let description = format!("Write function number {number}");
        let body = json!({ "description": description, "project_id": "narrow", "options": options });
        task_ids.push(client.submit(&body).await);
    }
    let under_way = client.get("/tasks?project_id=narrow&phase=ready").await;
    for task_id in &task_ids[..2] {
        client.in_phase(task_id, "ready").await;
    }
    assert!(under_way.json["total"].as_u64().unwrap() <= 2, "{}", under_way.text);
    for task_id in &task_ids[2..] {
        let task = client.task(task_id).await;
        assert_eq!((&task["phase"], &task["waiting_for"]["reason"]), (&json!("submitted"), &json!("slot")));
    }
    let _worker = stack.worker(|_| {});
    for task_id in &task_ids {
        let what = "completed";
        let within = Duration::from_secs(30);
        let task = client.task_when(task_id, what, within, |task| task["status"] == "completed").await;
        assert_eq!(task["qa_profile"], "none");
    }
}

#[tokio::test]
async fn a_list_is_split_into_subtasks_that_complete_their_task() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let body = json!({
        "description": "Do these:\n- write the parser\n- write the tests\n- write the docs", "project_id": "split",
        "options": { "decompose": true },
    });
    let task_id = client.submit(&body).await;
    assert_eq!(client.ended(&task_id).await["status"], "completed");
    let tree = client.get(&format!("/tasks/{task_id}/tree")).await.json;
    let children = tree["root"]["children"].as_array().unwrap();
    assert_eq!(children.len(), 3, "{tree:#}");
    let mut produced = Vec::new();
    for child in children {
        let child = client.task(child["task_id"].as_str().unwrap()).await;
        produced.extend(child["artifacts"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(client.task(&task_id).await["artifacts"], json!(produced));

    let long: String = (1..=21).map(|number| format!("- step {number}\n")).collect();
    let task_id = client.submit(&json!({ "description": long, "options": { "decompose": true } })).await;
    let refused = client.ended(&task_id).await;
    assert_eq!(refused["error"]["code"], "INVALID_PLAN");
    assert_eq!(refused["error"]["message"], "the plan has 21 subtasks, allowed are 20");
}
