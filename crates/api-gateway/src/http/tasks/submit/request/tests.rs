//! Submissions: what each field may hold, and what is assumed when it is absent.

use protocol::TraceId;
use protocol::events::TaskOptions;
use protocol::vocabulary::{Domain, ExecutionMode, Priority, QaProfile, Relationship, Tier};
use serde_json::{Value, json};

use super::{MOST_DESCRIPTION_CHARS, SubmitTaskRequest};
use crate::http::body::read_body;
use crate::http::words::ConfiguredWords;
use crate::tasks::submission::NewTask;

fn read(body: &Value) -> Result<NewTask, Vec<String>> {
    let request: Result<SubmitTaskRequest, _> =
        read_body(body.to_string().as_bytes(), &ConfiguredWords::default());
    request.map(|request| request.into_new_task(TraceId::generate())).map_err(|error| error.fields())
}

#[test]
fn a_description_is_enough() {
    let task = read(&json!({ "description": "Write a poem" })).unwrap();
    assert_eq!(task.description, "Write a poem");
    assert_eq!(task.project_id.as_str(), "default");
    assert_eq!((task.priority, task.mode), (None, ExecutionMode::Autonomous));
    assert_eq!(task.options, TaskOptions::default());
    assert!(task.depends_on.is_empty() && task.inputs.is_empty() && task.metadata.is_empty());
    assert_eq!((task.not_before, task.constitution), (None, None));
}

#[test]
fn every_field_reaches_the_use_case() {
    let first = "0190f3a1-0000-7000-8000-000000000001";
    let task = read(&json!({
        "description": "d", "project_id": "team:a.b_c-1", "priority": "critical", "mode": "collaborative",
        "options": { "decompose": true, "qa_profile": "strict", "tier": "large", "domain": "ui-design",
            "timeout_seconds": 86_400, "max_attempts": 20, "escalate_tier": false },
        "depends_on": [first, first],
        "inputs": [{ "artifact_id": "a/b" }, { "artifact_id": "c", "relationship": "referenced" }],
        "not_before": "2030-01-01T00:00:00+02:00",
        "metadata": { "tags": ["x"], "requester": "r", "own": [1] },
        "constitution_override": { "rule": "be kind" }
    }))
    .unwrap();
    assert_eq!(task.project_id.as_str(), "team:a.b_c-1");
    assert_eq!((task.priority, task.mode), (Some(Priority::Critical), ExecutionMode::Collaborative));
    let options = TaskOptions {
        decompose: true,
        qa_profile: Some(QaProfile::Strict),
        tier: Some(Tier::Large),
        domain: Some(Domain::UiDesign),
        timeout_seconds: Some(86_400),
        max_attempts: Some(20),
        escalate_tier: false,
    };
    assert_eq!(task.options, options);
    assert_eq!(task.depends_on, [first.parse().unwrap()], "each dependency once");
    let relationships: Vec<_> = task.inputs.iter().map(|input| input.relationship).collect();
    assert_eq!(relationships, [Relationship::Consumed, Relationship::Referenced]);
    assert_eq!(task.not_before.unwrap().to_string(), "2029-12-31T22:00:00.000000Z");
    assert_eq!(task.metadata["own"], json!([1]));
    assert_eq!(task.constitution.unwrap()["rule"], json!("be kind"));
}

#[test]
fn each_bad_field_is_named() {
    for (member, field) in [
        (json!({ "description": null }), "description"),
        (json!({ "description": "" }), "description"),
        (json!({ "description": "x".repeat(MOST_DESCRIPTION_CHARS + 1) }), "description"),
        (json!({ "project_id": "" }), "project_id"),
        (json!({ "project_id": "a b" }), "project_id"),
        (json!({ "project_id": "x".repeat(256) }), "project_id"),
        (json!({ "priority": "urgent" }), "priority"),
        (json!({ "priority": 3 }), "priority"),
        (json!({ "mode": "manual" }), "mode"),
        (json!({ "options": [] }), "options"),
        (json!({ "options": { "tier": "medium" } }), "options.tier"),
        (json!({ "options": { "domain": "cooking" } }), "options.domain"),
        (json!({ "options": { "qa_profile": "lenient" } }), "options.qa_profile"),
        (json!({ "options": { "timeout_seconds": 0 } }), "options.timeout_seconds"),
        (json!({ "options": { "timeout_seconds": 86_401 } }), "options.timeout_seconds"),
        (json!({ "options": { "max_attempts": 21 } }), "options.max_attempts"),
        (json!({ "options": { "decompose": "yes" } }), "options.decompose"),
        (json!({ "options": { "speed": 1 } }), "options.speed"),
        (json!({ "depends_on": "x" }), "depends_on"),
        (json!({ "depends_on": ["x"] }), "depends_on[0]"),
        (json!({ "inputs": [{ "artifact_id": "a" }, {}] }), "inputs[1].artifact_id"),
        (json!({ "inputs": [{ "artifact_id": "a", "relationship": "eaten" }] }), "inputs[0].relationship"),
        (json!({ "inputs": [{ "artifact_id": "a\u{0}" }] }), "inputs[0].artifact_id"),
        (json!({ "not_before": "tomorrow" }), "not_before"),
        (json!({ "not_before": "1969-12-31T23:59:59Z" }), "not_before"),
        (json!({ "metadata": { "tags": "x" } }), "metadata.tags"),
        (json!({ "metadata": { "tags": ["x", 1] } }), "metadata.tags[1]"),
        (json!({ "metadata": { "requester": 1 } }), "metadata.requester"),
        (json!({ "metadata": { "note": "\u{0}" } }), "metadata.note"),
        (json!({ "constitution_override": "x" }), "constitution_override"),
        (json!({ "constitution_override": { "a": { "b": "\u{0}" } } }), "constitution_override.a.b"),
        (json!({ "task_id": "x" }), "task_id"),
    ] {
        let mut body = json!({ "description": "good" });
        body.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        assert_eq!(read(&body).unwrap_err(), [field], "{field}");
    }
}

#[test]
fn the_longest_description_is_taken_whatever_its_script() {
    let description = "字".repeat(MOST_DESCRIPTION_CHARS);
    assert_eq!(read(&json!({ "description": description })).unwrap().description, description);
}
