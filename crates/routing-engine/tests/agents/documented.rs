//! What `proto-events/agents` tells other languages' programs is what we write and read.

use std::path::Path;

use protocol::vocabulary::{AgentStatus, AgentType};
use routing_engine::lanes::agent::wire::{Hints, ProgressState, Reply, Verdict, WorkRequest, request_body};
use serde_json::Value;

fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto-events/agents/samples");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn read(name: &str) -> Reply {
    Reply::read(sample(name).to_string().as_bytes()).unwrap()
}

#[test]
fn we_write_requests_as_they_are_documented() {
    for (name, max_duration_seconds) in [("work_request", Some(600)), ("cancel", None)] {
        let documented = sample(name);
        let text = |pointer: &str| documented.pointer(pointer).unwrap().as_str().unwrap();
        let request = WorkRequest {
            message_id: text("/message_id").parse().unwrap(),
            to_agent: AgentType::Infra,
            timestamp: text("/timestamp").parse().unwrap(),
            trace_id: text("/trace_id").parse().unwrap(),
            request_id: text("/request_id").parse().unwrap(),
            priority: 4,
            task_id: text("/payload/task_id").parse().unwrap(),
            work_type: text("/payload/work_type").to_owned(),
            parameters: documented["payload"]["parameters"].as_object().unwrap().clone(),
            hints: Hints { max_duration_seconds },
        };
        let written: Value = serde_json::from_slice(&request_body(&request).unwrap()).unwrap();
        assert_eq!(written, documented, "{name}");
    }
}

#[test]
fn we_read_replies_as_they_are_documented() {
    let Reply::Heartbeat(heartbeat) = read("heartbeat") else { panic!("not a heartbeat") };
    assert_eq!((heartbeat.agent_type, heartbeat.status), (AgentType::Infra, AgentStatus::Online));
    assert!(heartbeat.current_task_id.is_some() && heartbeat.timestamp.is_some());

    let Reply::Progress(progress) = read("progress") else { panic!("not progress") };
    assert_eq!((progress.state, progress.percent), (ProgressState::Running, Some(40.0)));
    assert_eq!(progress.step.unwrap().name, "Install packages");

    let Reply::Result(completed) = read("work_result") else { panic!("not a result") };
    assert_eq!((completed.verdict, completed.exit_code), (Verdict::Completed, Some(0)));
    assert_eq!((completed.request_id, completed.trace_id), (progress.request_id, progress.trace_id));
    assert_eq!(completed.analysis_result.unwrap()["total_issues"], 0);

    let Reply::Result(failed) = read("work_result_failed") else { panic!("not a result") };
    assert_eq!((failed.verdict, failed.exit_code), (Verdict::Failed, Some(2)));
    assert_eq!(failed.error_message.as_deref(), Some("host web-2 is unreachable"));

    for (name, expected) in [
        ("progress_step_completed", ProgressState::StepCompleted),
        ("progress_paused", ProgressState::Paused),
    ] {
        let Reply::Progress(progress) = read(name) else { panic!("not progress") };
        assert_eq!(progress.state, expected);
    }
    let Reply::Result(cancelled) = read("work_result_cancelled") else { panic!("not a result") };
    assert_eq!(cancelled.verdict, Verdict::Cancelled);

    let Reply::Error(error) = read("error") else { panic!("not an error") };
    assert_eq!((error.code, error.task_id), (5006, Some(completed.task_id)));
}
