//! Golden samples of the agents' messages: one piece of work from its request to its result, and what else is said.

use anyhow::bail;
use protocol::events::JsonObject;
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, RequestId};
use serde::Serialize;
use serde_json::{Value, json};

use super::WireMessageKind;
use super::payloads::{
    AgentError, Heartbeat, Hints, Progress, ProgressState, Step, Verdict, WorkRequest, WorkResult,
};
use crate::samples::{at, numbered, task_id, trace_id};

/// Every sample.
pub(super) const NAMES: [&str; 10] = [
    "work_request",
    "cancel",
    "heartbeat",
    "progress",
    "progress_step_completed",
    "progress_paused",
    "work_result",
    "work_result_failed",
    "work_result_cancelled",
    "error",
];

/// The sample of that name.
///
/// # Errors
/// When there is none.
pub fn sample(name: &str) -> anyhow::Result<Value> {
    use WireMessageKind as Kind;
    match name {
        "work_request" => envelope(Kind::WorkRequest, &work_request()),
        "cancel" => envelope(Kind::WorkRequest, &cancel()),
        "heartbeat" => envelope(Kind::Heartbeat, &heartbeat()),
        "progress" => envelope(Kind::Progress, &progress(ProgressState::Running)),
        "progress_step_completed" => envelope(Kind::Progress, &progress(ProgressState::StepCompleted)),
        "progress_paused" => envelope(Kind::Progress, &progress(ProgressState::Paused)),
        "work_result" => envelope(Kind::WorkResult, &completed()),
        "work_result_failed" => envelope(Kind::WorkResult, &failed()),
        "work_result_cancelled" => envelope(Kind::WorkResult, &cancelled()),
        "error" => envelope(Kind::Error, &error()),
        other => bail!("no sample is called {other}"),
    }
}

fn envelope(kind: WireMessageKind, payload: &impl Serialize) -> anyhow::Result<Value> {
    let to_agent = kind == WireMessageKind::WorkRequest;
    let (from, to) = if to_agent {
        (AgentType::Orchestrator, AgentType::Infra)
    } else {
        (AgentType::Infra, AgentType::Orchestrator)
    };
    // Agents of today write no zone.
    let timestamp = if to_agent { json!(at(30)) } else { json!("2026-09-21T14:13:31.250117") };
    Ok(json!({
        "protocol_version": "1.0",
        "message_id": numbered(0x50),
        "from_agent": from,
        "to_agent": to,
        "timestamp": timestamp,
        "trace_id": trace_id(),
        "request_id": numbered(3),
        "type": kind.envelope_type(),
        "priority": 4,
        "payload": serde_json::to_value(payload)?,
        "x_custom_fields": {},
    }))
}

fn members(object: Value) -> JsonObject {
    match object {
        Value::Object(members) => members,
        _ => JsonObject::new(),
    }
}

fn work_request() -> WorkRequest {
    WorkRequest {
        task_id: task_id(),
        work_type: "run_playbook".to_owned(),
        parameters: members(json!({ "playbook": "site.yml", "limit": "web" })),
        hints: Hints { max_duration_seconds: Some(600) },
    }
}

fn cancel() -> WorkRequest {
    WorkRequest {
        task_id: protocol::TaskId(numbered(0x51)),
        work_type: "cancel".to_owned(),
        parameters: members(json!({ "task_id": task_id() })),
        hints: Hints { max_duration_seconds: None },
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        agent_id: AgentId(numbered(4)),
        agent_type: AgentType::Infra,
        status: AgentStatus::Online,
        current_task_id: Some(task_id()),
        resources: members(json!({ "cpu_percent": 12.5, "memory_percent": 40.0 })),
        timestamp: Some("2026-09-21T14:13:31.250101".to_owned()),
    }
}

fn progress(status: ProgressState) -> Progress {
    let step =
        Step { number: Some(2), name: Some("Install packages".to_owned()), output: Some(String::new()) };
    let agent_id = Some(AgentId(numbered(4)));
    Progress { task_id: task_id(), status, progress_percent: Some(40.0), step: Some(step), agent_id }
}

fn completed() -> WorkResult {
    WorkResult {
        task_id: task_id(),
        status: Verdict::Completed,
        exit_code: Some(0),
        output: Some("ok=14 changed=3 failed=0".to_owned()),
        error_message: None,
        duration_ms: Some(48_200),
        agent_id: Some(AgentId(numbered(4))),
        trace_id: Some(trace_id()),
        request_id: Some(RequestId(numbered(3))),
        resources_used: Some(members(json!({ "cpu_time_ms": 3100, "memory_peak_mb": 118 }))),
        analysis_result: Some(json!({ "total_issues": 0 })),
    }
}

fn failed() -> WorkResult {
    WorkResult {
        status: Verdict::Failed,
        exit_code: Some(2),
        output: Some("PLAY [web]".to_owned()),
        error_message: Some("host web-2 is unreachable".to_owned()),
        resources_used: Some(JsonObject::new()),
        analysis_result: None,
        ..completed()
    }
}

fn cancelled() -> WorkResult {
    let told = "stopped on request".to_owned();
    WorkResult { status: Verdict::Cancelled, exit_code: Some(130), error_message: Some(told), ..failed() }
}

fn error() -> AgentError {
    AgentError {
        error_code: 5006,
        error_message: Some("unsupported work type".to_owned()),
        context: members(json!({ "task_id": task_id(), "request_id": numbered(3) })),
    }
}
