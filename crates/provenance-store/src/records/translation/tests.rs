//! Every event that is taken, and every reason for which one is refused.

use protocol::Timestamp;
use serde_json::json;

use super::*;

const TASK: &str = "0197a000-0000-7000-8000-000000000001";
const REQUEST: &str = "0197a000-0000-7000-8000-0000000000f1";

fn event(name: &str, data: Value) -> Event {
    let body = json!({
        "specversion": "1.0", "type": format!("dats.{name}"), "source": "/qa", "id": TASK,
        "time": "2026-11-21T02:00:00Z", "data": data,
    });
    let body = serde_json::to_vec(&body).unwrap();
    let incoming = protocol::Incoming { routing_key: name, body: &body, ..Default::default() };
    Event::decode(incoming, now()).unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T02:00:00Z".parse().unwrap()
}

fn reported(told: Told) -> Reported {
    match told.fact {
        Fact::Reported(reported) => *reported,
        other => panic!("not a report: {other:?}"),
    }
}

fn judged(told: Told) -> Verdict {
    match told.fact {
        Fact::Judged(verdict) => verdict,
        other => panic!("not a verdict: {other:?}"),
    }
}

#[test]
fn the_main_artifact_is_an_output_even_when_nobody_described_it() {
    let output = event(
        "task.output.created",
        json!({"task_id": TASK, "artifact_id": "main", "output": {"content": "hello", "artifacts": [{"artifact_id": "other"}]}}),
    );
    let reported = reported(translate(&output).unwrap());
    let main = &reported.outputs[&"main".parse().unwrap()];
    assert_eq!(main.position, 0);
    assert_eq!(main.artifact.size_bytes, Some(5));
    assert_eq!(
        main.artifact.checksum.as_deref(),
        Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    );
    assert_eq!(reported.outputs[&"other".parse().unwrap()].position, 1);
}

#[test]
fn the_worker_s_own_description_of_the_main_artifact_counts() {
    let output = event(
        "task.output.created",
        json!({"task_id": TASK, "artifact_id": "main", "attempt": 2,
               "output": {"content": "hello", "artifacts": [{"artifact_id": "main", "type": "code", "checksum": "ab"}]}}),
    );
    let told = translate(&output).unwrap();
    assert_eq!(told.attempt, Some(2));
    let reported = reported(told);
    assert_eq!(reported.outputs.len(), 1);
    let main = &reported.outputs[&"main".parse().unwrap()].artifact;
    assert_eq!((main.artifact_type.as_str(), main.checksum.as_deref()), ("code", Some("ab")));
}

#[test]
fn an_input_that_was_looked_at_and_used_counts_as_used_once() {
    let output = event(
        "task.output.created",
        json!({"task_id": TASK, "artifact_id": "main", "inputs_consumed": [
            {"artifact_id": "b", "relationship": "referenced"}, "b", {"artifact_id": "a", "checksum": ""}]}),
    );
    let inputs: Vec<_> = reported(translate(&output).unwrap()).inputs().collect();
    let seen: Vec<_> =
        inputs.iter().map(|(_, i)| (i.artifact_id.as_str(), i.relationship.as_str(), &i.checksum)).collect();
    assert_eq!(seen, [("b", "consumed", &None), ("a", "consumed", &None)]);
}

#[test]
fn an_agent_s_result_is_a_report_without_artifacts() {
    let result = event(
        "task.completed",
        json!({"task_id": TASK, "agent_id": "agent-7", "exit_code": 0, "duration_ms": 12, "resources_used": {"cpu": -0.0},
            "analysis_result": {"issues": ["tabs"]}, "request_id": REQUEST}),
    );
    let told = translate(&result).unwrap();
    assert_eq!(
        (told.attempt, told.request_id),
        (None, Some(REQUEST.parse().unwrap())),
        "it names no attempt"
    );
    let reported = reported(told);
    assert_eq!(reported.report.worker_id.as_deref(), Some("agent-7"));
    assert_eq!(reported.report.execution_time_ms, Some(12));
    assert_eq!(
        Value::Object(reported.report.execution),
        json!({"exit_code": 0, "request_id": REQUEST, "resources_used": {"cpu": 0},
            "analysis_result": {"issues": ["tabs"]}})
    );
    assert!(reported.outputs.is_empty());
}

#[test]
fn verdicts_of_qa_and_of_people_are_told_apart() {
    let verdict =
        judged(translate(&event("task.validated", json!({"task_id": TASK, "score": 0.9}))).unwrap());
    assert_eq!((verdict.source, verdict.outcome), (VerdictSource::Qa, Outcome::Passed));
    assert_eq!(verdict.verified_by.as_deref(), Some("/qa"));
    let verdict = judged(
        translate(&event("task.rejected", json!({"task_id": TASK, "issues": ["a\u{0}b"], "reason": "no"})))
            .unwrap(),
    );
    assert_eq!((verdict.source, verdict.outcome), (VerdictSource::Qa, Outcome::Failed));
    assert_eq!(verdict.issues, [json!("a\u{fffd}b")]);
    for (decision, outcome) in [
        ("approved", Outcome::HumanApproved),
        ("rejected", Outcome::Failed),
        ("changes_requested", Outcome::Failed),
    ] {
        let review = json!({"review_id": "r", "task_id": TASK, "decision": decision, "reviewer_id": "ann"});
        let verdict = judged(translate(&event("review.completed", review)).unwrap());
        assert_eq!((verdict.source, verdict.outcome), (VerdictSource::Review, outcome));
        assert_eq!(verdict.verified_by.as_deref(), Some("ann"));
    }
    for attempt in [None, Some(2)] {
        let review = json!({"review_id": "r", "task_id": TASK, "decision": "rejected", "attempt": attempt});
        assert_eq!(translate(&event("review.completed", review)).unwrap().attempt, attempt);
    }
}

fn status(status: &str, phase: &str) -> Announcement {
    let change = json!({
        "task_id": TASK, "project_id": "p", "tier": "small", "trace_id": TASK, "status": status,
        "previous_status": "running", "phase": phase, "attempt": 3, "sequence": 7, "at": "2026-11-21T01:00:00Z",
        "request_id": (phase == "executing").then_some(REQUEST),
    });
    let told = translate(&event(&format!("task.status.{status}"), change)).unwrap();
    assert_eq!(told.attempt, Some(3));
    match told.fact {
        Fact::Announced(announcement) => announcement,
        other => panic!("not an announcement: {other:?}"),
    }
}

#[test]
fn the_gateway_tells_the_start_of_the_work_and_the_acceptance_of_its_result() {
    let executing = status("running", "executing");
    assert_eq!(executing.executing_since, Some("2026-11-21T01:00:00Z".parse().unwrap()));
    assert_eq!(executing.acceptance, None);
    assert_eq!(executing.announced.sequence, 7);
    assert_eq!(executing.request_id, Some(REQUEST.parse().unwrap()));
    let completed = status("completed", "done");
    assert_eq!(completed.executing_since, None);
    let verdict = completed.acceptance.unwrap();
    assert_eq!((verdict.source, verdict.outcome), (VerdictSource::Acceptance, Outcome::Passed));
    assert_eq!(status("failed", "done").acceptance, None);
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_reason() {
    let refuse = |name: &str, data: Value| translate(&event(name, data)).unwrap_err().to_string();
    let output = |extra: Value| {
        let mut data = json!({"task_id": TASK, "artifact_id": "a"});
        data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        data
    };
    assert_eq!(
        refuse("task.started", json!({"task_id": TASK})),
        "task.started is not for the provenance-store"
    );
    assert_eq!(refuse("task.validated", json!({"task_id": TASK, "attempt": 0})), "attempt 0 is out of range");
    assert_eq!(
        refuse("task.output.created", output(json!({"attempt": 4_000_000_000_u32}))),
        "attempt 4000000000 is out of range"
    );
    assert_eq!(
        refuse("task.output.created", output(json!({"tokens_input": u64::MAX}))),
        "tokens_input is out of range"
    );
    assert_eq!(
        refuse("task.output.created", output(json!({"worker_id": "w".repeat(2_001)}))),
        "worker_id has more than 2000 characters"
    );
    let ids: Vec<_> = (0..400).map(|n| n.to_string()).collect();
    let artifacts: Vec<_> = ids.iter().map(|id| json!({"artifact_id": id})).collect();
    assert_eq!(
        refuse(
            "task.output.created",
            output(json!({"inputs_consumed": ids, "output": {"artifacts": artifacts}}))
        ),
        "400 inputs times 401 outputs are more than 100000 edges"
    );
}
