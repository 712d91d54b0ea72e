//! What is understood of agents' messages. The examples in `fixtures/agents` stay there for ever: agents of every
//! version they stand for are still running somewhere.

use chrono::{DateTime, Utc};
use protocol::events::{Failure, TaskCompleted, TaskFailed};
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{Event, EventData};
use routing_engine::lanes::agent::ReplyReader;
use serde_json::{Value, json};

pub(crate) const READER: ReplyReader =
    ReplyReader { max_inline_output_bytes: 1024 * 1024, max_reply_bytes: 8 * 1024 * 1024 };
const TASK: &str = "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0001";
const REQUEST: &str = "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0002";
const TRACE: &str = "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0003";
const AGENT: &str = "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0004";

fn now() -> DateTime<Utc> {
    "2026-11-21T09:31:00Z".parse().unwrap()
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/agents/", $name, ".json"))
    };
}

fn read(body: &str) -> Vec<Event> {
    READER.read(body.as_bytes(), Some("b28b6fd31d2c4de99ec91ebaffc28067"), now()).unwrap()
}

fn read_json(body: &Value) -> Vec<Event> {
    read(&body.to_string())
}

fn only(events: Vec<Event>) -> Event {
    assert_eq!(events.len(), 1, "{events:?}");
    events.into_iter().next().unwrap()
}

fn completed(body: &str) -> TaskCompleted {
    match only(read(body)).data {
        EventData::TaskCompleted(data) => data,
        other => panic!("expected task.completed, got {other:?}"),
    }
}

fn failed(body: &str) -> TaskFailed {
    match only(read(body)).data {
        EventData::TaskFailed(data) => data,
        other => panic!("expected task.failed, got {other:?}"),
    }
}

/// The completed result with some members of its payload replaced.
fn result_with(changes: Value) -> Value {
    let mut body: Value = serde_json::from_str(fixture!("result_completed")).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body["payload"][name] = value.clone();
    }
    body
}

#[test]
fn a_completed_result_is_told_whole() {
    let event = only(read(fixture!("result_completed")));
    assert_eq!(event.trace_id.unwrap().to_string(), TRACE);
    assert_eq!(event.correlation_id.unwrap().to_string(), TASK);
    let EventData::TaskCompleted(data) = event.data else { panic!("not task.completed") };
    assert_eq!(data.task_id.to_string(), TASK);
    assert_eq!(data.request_id.unwrap().to_string(), REQUEST);
    assert_eq!(data.agent_id.as_deref(), Some(AGENT));
    assert_eq!((data.exit_code, data.duration_ms, data.attempt), (Some(0), Some(12), None));
    assert_eq!(data.output, "Echo: good morning");
    assert_eq!(data.resources_used.unwrap()["memory_peak_mb"], json!(18));
}

#[test]
fn a_failed_result_says_why_and_leaves_further_attempts_to_the_task() {
    let data = failed(fixture!("result_failed"));
    assert_eq!(data.error, Failure::new("AGENT_FAILED", "no such host", true));
    assert_eq!((data.exit_code, data.duration_ms), (Some(1), Some(12)));
    assert_eq!(data.output.as_deref(), Some("Error executing fail: no such host"));
    assert_eq!(data.request_id.unwrap().to_string(), REQUEST);
}

#[test]
fn a_failure_without_a_message_is_explained_by_what_there_is() {
    let explained = |output: &str, code: Value| {
        let told = json!({ "status": "failed", "error_message": null, "output": output, "exit_code": code });
        failed(&result_with(told).to_string()).error.message
    };
    assert_eq!(explained("Killed", json!(137)), "Killed");
    assert_eq!(explained("", json!(137)), "the agent gave no reason, exit code 137");
    assert_eq!(explained(" ", json!(null)), "the agent gave no reason");
}

#[test]
fn a_result_cancelled_by_the_agent_is_a_failure_with_its_own_code() {
    assert_eq!(failed(fixture!("result_cancelled")).error.code, "AGENT_CANCELLED");
}

#[test]
fn results_of_old_and_of_newer_agents_are_understood() {
    let old = completed(fixture!("result_of_the_first_draft"));
    assert_eq!((old.output.as_str(), old.agent_id, old.request_id), ("done", None, None));
    let analysed = completed(fixture!("result_with_an_analysis"));
    assert_eq!(analysed.output, "3 suggestions");
    assert_eq!(analysed.analysis_result.unwrap()["suggestions"][0]["rule_id"], "name[casing]");
    assert_eq!(completed(fixture!("result_of_a_newer_agent")).exit_code, Some(0));
}

#[test]
fn ids_are_read_in_every_form() {
    let event = only(read(fixture!("result_with_ids_in_other_forms")));
    assert_eq!(event.id, only(read(fixture!("result_completed"))).id, "it is the same result");
    assert_eq!(event.trace_id.unwrap().to_string(), TRACE);
}

#[test]
fn a_result_sent_twice_is_one_event_and_another_attempt_another_one() {
    let mut again: Value = serde_json::from_str(fixture!("result_completed")).unwrap();
    again["message_id"] = json!("5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a00ff");
    again["timestamp"] = json!("2026-11-22T09:30:15");
    again["payload"]["agent_id"] = json!("5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a00fe");
    let first = only(read(fixture!("result_completed"))).id;
    assert_eq!(only(read_json(&again)).id, first);
    let next_attempt = result_with(json!({ "request_id": "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a00fd" }));
    assert_ne!(only(read_json(&next_attempt)).id, first);
    let other_verdict = result_with(json!({ "status": "failed" }));
    assert_ne!(only(read_json(&other_verdict)).id, first);
}

#[test]
fn results_without_a_request_id_are_the_same_only_if_the_messages_are() {
    let result = result_with(json!({ "request_id": null }));
    let event = only(read_json(&result));
    assert_eq!(only(read_json(&result)).id, event.id, "a redelivery");
    let EventData::TaskCompleted(data) = event.data else { panic!("not task.completed") };
    assert_eq!(data.request_id, None, "what the envelope says may be made up");
    let another_message = READER.read(result.to_string().as_bytes(), Some("another"), now()).unwrap();
    assert_ne!(only(another_message).id, event.id);
}

#[test]
fn numbers_come_as_agents_write_them() {
    let odd = result_with(json!({ "duration_ms": 12.6, "exit_code": 2.0 }));
    let data = completed(&odd.to_string());
    assert_eq!((data.duration_ms, data.exit_code), (Some(13), Some(2)));
    assert_eq!(completed(&result_with(json!({ "duration_ms": -5 })).to_string()).duration_ms, None);
}

#[test]
fn a_result_is_not_lost_for_a_time_that_nobody_can_read() {
    for time in [json!("Sat, 21 Nov 2026 09:30:15 GMT"), json!(1_795_253_415), json!(null)] {
        let mut body = result_with(json!({}));
        body["timestamp"] = time;
        assert_eq!(completed(&body.to_string()).output, "Echo: good morning");
    }
}

#[test]
fn an_analysis_is_told_as_sent_and_a_huge_one_is_left_out() {
    let of =
        |told: Value| completed(&result_with(json!({ "analysis_result": told })).to_string()).analysis_result;
    assert_eq!(of(json!(null)), None);
    assert_eq!(of(json!("free words")), Some(json!("free words")));
    let huge = of(json!(["x".repeat(1024 * 1024)])).unwrap();
    assert!(huge["left_out"].as_str().unwrap().starts_with("1048580 bytes"), "{huge}");
    let failed_too = result_with(json!({ "status": "failed", "analysis_result": { "issues": 3 } }));
    assert_eq!(failed(&failed_too.to_string()).analysis_result, Some(json!({ "issues": 3 })));
}

#[test]
fn an_output_of_one_mebibyte_is_told_whole_and_a_longer_one_is_cut_with_a_note() {
    let whole = "x".repeat(1024 * 1024);
    assert_eq!(completed(&result_with(json!({ "output": whole })).to_string()).output, whole);
    let long = "€".repeat(1024 * 1024);
    let cut = completed(&result_with(json!({ "output": long })).to_string()).output;
    assert!(cut.len() <= 1024 * 1024 && cut.len() > 1024 * 1024 - 100);
    assert!(cut.ends_with("[cut here: the whole text has 3145728 bytes]"), "{}", &cut[cut.len() - 60..]);
}

#[test]
fn heartbeats_are_told_as_sent() {
    for (body, agent_id, agent_type, task) in [
        (fixture!("heartbeat_idle"), AGENT, AgentType::Infra, None),
        (fixture!("heartbeat_at_work"), "5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0010", AgentType::Infra, Some(TASK)),
        (
            fixture!("heartbeat_without_identity"),
            "00000000-0000-0000-0000-000000000000",
            AgentType::Infra,
            None,
        ),
        (
            fixture!("heartbeat_of_a_desktop"),
            "00000000-0000-0000-0000-000000000000",
            AgentType::Desktop,
            None,
        ),
    ] {
        let event = only(read(body));
        assert_eq!(event.trace_id, None, "a heartbeat's trace refers to nothing");
        let EventData::AgentHeartbeat(data) = event.data else { panic!("not agent.heartbeat") };
        assert_eq!((data.agent_id.to_string().as_str(), data.agent_type), (agent_id, agent_type));
        assert_eq!(data.status, AgentStatus::Online);
        assert_eq!(data.current_task_id.map(|id| id.to_string()).as_deref(), task);
        let sent: Value = serde_json::from_str(body).unwrap();
        assert_eq!(Value::Object(data.resources), sent["payload"]["resources"]);
        assert!(data.timestamp.to_string().starts_with("2026-11-21T09:30:15"), "taken as UTC");
    }
}

#[test]
fn two_heartbeats_are_two_events_and_a_redelivered_one_is_the_same() {
    let id = |body: &str, message_id| only(READER.read(body.as_bytes(), Some(message_id), now()).unwrap()).id;
    let body = fixture!("heartbeat_without_identity");
    assert_eq!(id(body, "a"), id(body, "a"));
    assert_ne!(id(body, "a"), id(body, "b"));
}

#[test]
fn progress_says_that_the_work_has_begun_and_how_far_it_is() {
    let events = read(fixture!("progress_running"));
    let [started, progress] = events.as_slice() else { panic!("expected two events, got {events:?}") };
    let EventData::TaskStarted(begun) = &started.data else { panic!("not task.started") };
    assert_eq!(
        (begun.task_id.to_string().as_str(), begun.request_id.unwrap().to_string()),
        (TASK, REQUEST.to_owned())
    );
    let EventData::TaskProgress(data) = &progress.data else { panic!("not task.progress") };
    assert_eq!((data.percent, data.request_id), (Some(40.0), begun.request_id));
    assert_eq!(data.message.as_deref(), Some("Step 2: Install packages"));

    let mut later: Value = serde_json::from_str(fixture!("progress_running")).unwrap();
    later["payload"]["progress_percent"] = json!(130);
    let later = read_json(&later);
    assert_eq!(later[0].id, started.id, "the work begins once");
    assert_ne!(later[1].id, progress.id);
    assert!(matches!(&later[1].data, EventData::TaskProgress(data) if data.percent == Some(100.0)));
}

#[test]
fn steps_done_and_pauses_are_progress_too() {
    let told = |body: &str| match only(read(body)).data {
        EventData::TaskProgress(data) => (data.percent, data.message),
        other => panic!("expected task.progress, got {other:?}"),
    };
    assert_eq!(
        told(fixture!("progress_step_completed")),
        (Some(50.5), Some("Step 2 done: Install packages: 14 packages".to_owned()))
    );
    assert_eq!(told(fixture!("progress_paused")), (None, Some("Paused".to_owned())));
}

#[test]
fn an_error_about_a_task_fails_its_attempt_and_any_other_nothing() {
    let data = failed(fixture!("error_about_a_task"));
    assert_eq!(data.error, Failure::new("AGENT_ERROR_5006", "unsupported work type", true));
    assert_eq!(data.request_id.unwrap().to_string(), REQUEST);
    assert_eq!(failed(fixture!("error_of_the_first_draft")).error.code, "AGENT_ERROR_5005");
    assert_eq!(read(fixture!("error_about_nothing")), []);
}
