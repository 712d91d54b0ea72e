//! A task's JSON has exactly the members of the contract, in every state.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::events::{Analyzer, Artifact, Routing, TaskOptions};
use protocol::vocabulary::{Domain, ExecutionMode, Phase, Priority, QaProfile, TaskStatus, Tier, WorkMode};
use protocol::{ArtifactId, ProjectId, RequestId, TaskId, Timestamp, TraceId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::TaskResponse;
use crate::tasks::lifecycle::Rules;
use crate::tasks::task::{AttemptError, PendingReview, Submission, Subtasks, Task};

const MEMBERS: [&str; 39] = [
    "artifacts",
    "attempt",
    "completed_at",
    "created_at",
    "current_activity",
    "deadline_at",
    "depends_on",
    "description",
    "domain",
    "error",
    "errors",
    "estimated_completion",
    "execution_mode",
    "execution_time_ms",
    "human_actions_needed",
    "links",
    "max_attempts",
    "metadata",
    "mode",
    "model_used",
    "outputs",
    "parent_id",
    "phase",
    "priority",
    "progress",
    "project_id",
    "provenance_id",
    "qa_profile",
    "routing",
    "started_at",
    "status",
    "task_id",
    "tier",
    "tokens_input",
    "tokens_output",
    "trace_id",
    "updated_at",
    "waiting_for",
    "worker_id",
];

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap()
}

fn new_task() -> Task {
    let submission = Submission {
        id: TaskId(Uuid::from_u128(1)),
        project_id: ProjectId::default(),
        description: "write a parser".to_owned(),
        priority: Priority::High,
        execution_mode: ExecutionMode::Collaborative,
        options: TaskOptions::default(),
        inputs: Vec::new(),
        depends_on: vec![TaskId(Uuid::from_u128(9))],
        not_before: None,
        metadata: json!({ "tags": ["x"] }).as_object().unwrap().clone(),
        constitution: None,
        parent_id: None,
        work_type: None,
        parameters: None,
        trace_id: TraceId(Uuid::from_u128(2)),
        request_id: RequestId(Uuid::from_u128(3)),
        created_at: noon(),
    };
    Task::submitted(submission, &Rules::default(), false)
}

fn shown(task: &Task) -> Value {
    let estimate = Timestamp::from(noon());
    serde_json::to_value(TaskResponse::of(task.clone(), Some(estimate))).unwrap()
}

#[test]
fn a_new_task_has_every_member_and_null_for_what_is_not_known() {
    let json = shown(&new_task());
    let found: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found, MEMBERS);
    for member in
        ["mode", "domain", "tier", "started_at", "routing", "error", "worker_id", "current_activity"]
    {
        assert_eq!(json[member], Value::Null, "{member}");
    }
    assert_eq!((&json["status"], &json["phase"]), (&json!("pending"), &json!("submitted")));
    assert_eq!(json["waiting_for"], json!({ "reason": "slot", "detail": null }));
    assert_eq!(json["created_at"], "2026-09-21T14:13:20.123456Z");
    assert_eq!(json["estimated_completion"], json["created_at"]);
    assert_eq!(json["progress"]["percent"], 0.0);
    assert_eq!(json["links"]["stream"], "/api/v1/tasks/00000000-0000-0000-0000-000000000001/stream");
}

#[test]
fn a_completed_task_shows_its_work_in_both_forms() {
    let mut task = new_task();
    task.status = TaskStatus::Completed;
    task.phase = Phase::Done;
    task.started_at = Some(noon());
    task.completed_at = Some(noon() + TimeDelta::milliseconds(1500));
    task.work_mode = Some(WorkMode::NewProject);
    task.domain = Some(Domain::CodeGeneral);
    task.tier = Some(Tier::Other("huge".to_owned()));
    task.qa_profile = Some(QaProfile::Consensus);
    task.routing = Some(Routing {
        analyzer: Analyzer::AgentService,
        reasons: vec!["because".to_owned()],
        confidence: Some(0.5),
        estimated_tokens: None,
        fallback: false,
    });
    task.work.artifacts = vec![Artifact {
        artifact_id: ArtifactId::new("a").unwrap(),
        artifact_type: "code".to_owned(),
        path: Some("src/a.rs".to_owned()),
        language: Some("rust".to_owned()),
        checksum: Some("ff".to_owned()),
        size_bytes: Some(7),
    }];
    let json = shown(&task);
    assert_eq!(
        json["artifacts"],
        json!([{ "id": "a", "type": "code", "path": "src/a.rs", "checksum": "ff", "size_bytes": 7 }])
    );
    assert_eq!(json["outputs"], json!([{ "artifact_id": "a", "type": "code", "location": "src/a.rs" }]));
    assert_eq!((&json["execution_time_ms"], &json["progress"]["percent"]), (&json!(1500), &json!(100.0)));
    assert_eq!((&json["mode"], &json["tier"]), (&json!("new_project"), &json!("huge")));
    assert_eq!(json["routing"]["analyzer"], "agent-service");
}

#[test]
fn work_questions_and_failures_are_shown() {
    let mut task = new_task();
    task.phase = Phase::Executing;
    task.attempt = 2;
    task.work.worker_id = Some("w".to_owned());
    task.work.message = Some("compiling".to_owned());
    task.work.percent = Some(40.0);
    let failure = AttemptError {
        attempt: 1,
        code: "TIMEOUT".to_owned(),
        message: "too slow".to_owned(),
        retryable: true,
        at: noon().into(),
    };
    task.errors = vec![failure];
    let json = shown(&task);
    assert_eq!(
        json["current_activity"],
        json!({ "description": "compiling", "worker": "w", "started_at": null })
    );
    assert_eq!(json["progress"]["percent"], 40.0);
    assert_eq!(
        json["errors"],
        json!([{ "code": "TIMEOUT", "message": "too slow", "attempt": 1, "retryable": true }])
    );

    task.phase = Phase::InReview;
    task.review = Some(PendingReview { review_id: "r".to_owned(), reason: "odd".to_owned() });
    let json = shown(&task);
    assert_eq!(json["human_actions_needed"], json!([{ "review_id": "r", "type": "qa", "summary": "odd" }]));
    assert_eq!((&json["progress"]["pending_review"], &json["current_activity"]), (&json!(1), &Value::Null));
}

#[test]
fn progress_of_a_split_task_is_that_of_its_subtasks() {
    let mut task = new_task();
    task.phase = Phase::Decomposed;
    task.subtasks = Subtasks { total: 4, completed: 1, failed: 1 };
    let progress = shown(&task)["progress"].clone();
    assert_eq!(
        progress,
        json!({ "percent": 25.0, "message": null, "total_subtasks": 4, "completed_subtasks": 1,
            "failed_subtasks": 1, "pending_review": 0 })
    );
}
