//! Samples of what workers, QA, reviewers, agents and the provenance-store tell.

use protocol::RequestId;
use protocol::events::{
    AgentHeartbeat, AgentOffline, Artifact, Input, JsonObject, Output, ProvenanceRecorded, ReviewCompleted,
    ReviewRequested, TaskCompleted, TaskOutputCreated, TaskProgress, TaskRejected, TaskStarted,
    TaskValidated,
};
use protocol::ids::{AgentId, ProvenanceId};
use protocol::vocabulary::{AgentStatus, AgentType, Domain, Relationship, ReviewDecision, Tier};

use super::{artifact_id, at, numbered, project_id, task_id};

const WORKER: &str = "worker-7";
const PARSER: &str = "price-list-parser";
const CONTENT: &str =
    "pub fn parse(line: &str) -> Option<Price> { line.split(';').nth(1).and_then(Price::read) }\n";
const CONTENT_SHA256: &str = "9ddf6ba40e7abb3b5b2eca405249ba47d7148a27b07cb18e4267652cedf1c9af";

pub(super) fn started() -> TaskStarted {
    TaskStarted {
        task_id: task_id(),
        attempt: Some(2),
        worker_id: Some(WORKER.to_owned()),
        agent_id: None,
        request_id: None,
        message: Some("model loaded".to_owned()),
    }
}

pub(super) fn progress() -> TaskProgress {
    TaskProgress {
        task_id: task_id(),
        attempt: Some(2),
        worker_id: Some(WORKER.to_owned()),
        agent_id: None,
        request_id: None,
        percent: Some(40.0),
        message: Some("writing tests".to_owned()),
    }
}

pub(super) fn output_created() -> TaskOutputCreated {
    TaskOutputCreated {
        task_id: task_id(),
        artifact_id: artifact_id(PARSER),
        attempt: Some(2),
        project_id: Some(project_id()),
        tier: Some(Tier::Small),
        domain: Some(Domain::CodeGeneral),
        output: Output {
            content: Some(CONTENT.to_owned()),
            artifacts: vec![Artifact {
                artifact_id: artifact_id(PARSER),
                artifact_type: "code".to_owned(),
                path: Some("src/price_list.rs".to_owned()),
                language: Some("rust".to_owned()),
                checksum: Some(CONTENT_SHA256.to_owned()),
                size_bytes: Some(CONTENT.len() as u64),
            }],
        },
        inputs_consumed: vec![Input {
            artifact_id: artifact_id("price-list-format"),
            relationship: Relationship::Consumed,
            checksum: None,
        }],
        worker_id: Some(WORKER.to_owned()),
        model_used: Some("gemma3:12b".to_owned()),
        tokens_input: Some(1210),
        tokens_output: Some(480),
        execution_time_ms: Some(5400),
        confidence: Some(0.9),
        started_at: Some(at(20)),
    }
}

pub(super) fn completed() -> TaskCompleted {
    let resources: JsonObject = [("cpu_time_ms".to_owned(), 12.into())].into_iter().collect();
    TaskCompleted {
        task_id: task_id(),
        project_id: Some(project_id()),
        attempt: Some(1),
        agent_id: Some(numbered(4).to_string()),
        request_id: Some(RequestId(numbered(3))),
        exit_code: Some(0),
        output: "Echo: hello".to_owned(),
        duration_ms: Some(15),
        resources_used: Some(resources),
        analysis_result: None,
    }
}

pub(super) fn validated() -> TaskValidated {
    TaskValidated {
        task_id: task_id(),
        artifact_id: Some(artifact_id(PARSER)),
        score: Some(0.97),
        attempt: Some(2),
    }
}

pub(super) fn rejected() -> TaskRejected {
    TaskRejected {
        task_id: task_id(),
        artifact_id: Some(artifact_id(PARSER)),
        issues: vec!["no test for an empty list".into()],
        reason: Some("tests are incomplete".to_owned()),
        retryable: Some(true),
        attempt: Some(1),
    }
}

pub(super) fn recorded() -> ProvenanceRecorded {
    ProvenanceRecorded {
        provenance_id: ProvenanceId::of_attempt(task_id(), 2),
        task_id: task_id(),
        attempt: 2,
        artifact_ids: vec![artifact_id(PARSER)],
        is_tainted: false,
    }
}

pub(super) fn review_requested() -> ReviewRequested {
    ReviewRequested {
        review_id: "review-31".to_owned(),
        task_id: task_id(),
        artifact_id: Some(artifact_id(PARSER)),
        reason: "the validators disagree".to_owned(),
        priority: Some("high".to_owned()),
        attempt: Some(2),
        specific_questions: vec!["May prices be negative?".to_owned()],
    }
}

pub(super) fn review_completed() -> ReviewCompleted {
    ReviewCompleted {
        review_id: "review-31".to_owned(),
        task_id: task_id(),
        attempt: Some(2),
        decision: ReviewDecision::ChangesRequested,
        reviewer_id: Some("reviewer-2".to_owned()),
        comments: Some("Prices may be negative: credit notes".to_owned()),
        required_changes: vec!["accept a leading minus".to_owned()],
    }
}

pub(super) fn heartbeat() -> AgentHeartbeat {
    let resources: JsonObject =
        [("cpu_percent".to_owned(), 3.5.into()), ("memory_percent".to_owned(), 41.0.into())]
            .into_iter()
            .collect();
    AgentHeartbeat {
        agent_id: AgentId(numbered(4)),
        agent_type: AgentType::Infra,
        status: AgentStatus::Busy,
        resources,
        current_task_id: Some(task_id()),
        timestamp: at(30),
    }
}

pub(super) fn offline() -> AgentOffline {
    AgentOffline {
        agent_id: AgentId(numbered(4)),
        agent_type: AgentType::Infra,
        current_task_id: Some(task_id()),
        timestamp: at(210),
    }
}
