//! Samples of the task's way through gateway and routing-engine.

use protocol::RequestId;
use protocol::events::{
    Analyzer, Context, ContextSource, Failure, Feedback, FeedbackSource, Input, Routing, Subtask,
    TaskCancelled, TaskCreated, TaskDecomposed, TaskDispatched, TaskFailed, TaskOptions, TaskReady,
    TaskRoutingFailed, TaskStatusChanged,
};
use protocol::ids::ProvenanceId;
use protocol::vocabulary::{
    AgentType, Domain, ExecutionMode, Phase, Priority, QaProfile, Relationship, TaskStatus, Tier, WorkMode,
};

use super::{artifact_id, at, numbered, project_id, task_id, trace_id};

const DESCRIPTION: &str = "Write a parser for the price list, with tests";

fn feedback() -> Feedback {
    Feedback {
        attempt: 1,
        source: FeedbackSource::Qa,
        message: "no test for an empty list".to_owned(),
        issues: vec!["no test for an empty list".into()],
    }
}

fn input() -> Input {
    Input {
        artifact_id: artifact_id("price-list-format"),
        relationship: Relationship::Consumed,
        checksum: None,
    }
}

fn routing() -> Routing {
    Routing {
        analyzer: Analyzer::Rules,
        reasons: vec![
            "keyword \"parser\" means code-general".to_owned(),
            "short text: tier small".to_owned(),
        ],
        confidence: Some(0.8),
        estimated_tokens: Some(1800),
        fallback: false,
    }
}

pub(super) fn created() -> TaskCreated {
    TaskCreated {
        task_id: task_id(),
        project_id: project_id(),
        description: DESCRIPTION.to_owned(),
        attempt: 2,
        priority: Priority::Normal,
        options: TaskOptions { qa_profile: Some(QaProfile::Testing), ..TaskOptions::default() },
        mode: ExecutionMode::Autonomous,
        inputs: vec![input()],
        feedback: vec![feedback()],
        parent_id: None,
        work_type: None,
        parameters: None,
        constitution: None,
        minimum_tier: None,
        paused_tiers: Vec::new(),
        request_id: RequestId(numbered(3)),
        deadline_at: Some(at(600)),
        created_at: at(0),
    }
}

pub(super) fn ready() -> TaskReady {
    TaskReady {
        task_id: task_id(),
        project_id: project_id(),
        domain: Domain::CodeGeneral,
        tier: Tier::Small,
        context: Context {
            text: "A price list has one line per article.".to_owned(),
            sources: vec![ContextSource {
                artifact_id: artifact_id("price-list-format"),
                provenance_id: None,
                relevance_score: Some(0.92),
                snippet: Some("one line per article".to_owned()),
            }],
            tokens_used: 9,
        },
        description: DESCRIPTION.to_owned(),
        attempt: 2,
        mode: WorkMode::NewProject,
        qa_profile: QaProfile::Testing,
        model_candidates: vec!["gemma3:12b".to_owned(), "gemma3:27b".to_owned()],
        inputs: vec![input()],
        feedback: vec![feedback()],
        constitution: None,
        deadline_at: Some(at(600)),
        priority: Priority::Normal,
        provenance_id: ProvenanceId::of_attempt(task_id(), 2),
        routing: routing(),
    }
}

pub(super) fn decomposed() -> TaskDecomposed {
    let subtask = |id: &str, description: &str, dependencies: &[&str]| Subtask {
        id: id.to_owned(),
        description: description.to_owned(),
        dependencies: dependencies.iter().map(|&id| id.to_owned()).collect(),
        domain: Some(Domain::CodeGeneral),
        tier: None,
        is_atomic: true,
    };
    TaskDecomposed {
        task_id: task_id(),
        attempt: 1,
        subtasks: vec![
            subtask("grammar", "Write down the grammar of the price list", &[]),
            subtask("parser", "Write the parser", &["grammar"]),
        ],
        routing: Some(routing()),
    }
}

pub(super) fn routing_failed() -> TaskRoutingFailed {
    TaskRoutingFailed {
        task_id: task_id(),
        attempt: 1,
        error: Failure::new("CONTEXT_TOO_LARGE", "needs 180000 tokens, the largest tier has 140000", false),
        paused_tier: None,
    }
}

pub(super) fn dispatched() -> TaskDispatched {
    TaskDispatched {
        task_id: task_id(),
        attempt: 1,
        request_id: RequestId(numbered(3)),
        agent_type: AgentType::Infra,
        queue: "work_queue".to_owned(),
    }
}

pub(super) fn failed() -> TaskFailed {
    TaskFailed {
        task_id: task_id(),
        attempt: Some(2),
        error: Failure::new("MODEL_CRASHED", "the model ended in the middle of its answer", true),
        worker_id: Some("worker-7".to_owned()),
        agent_id: None,
        request_id: None,
        exit_code: None,
        output: None,
        duration_ms: None,
        analysis_result: None,
    }
}

pub(super) fn cancelled() -> TaskCancelled {
    TaskCancelled {
        task_id: task_id(),
        reason: "no longer needed".to_owned(),
        attempt: Some(2),
        work_type: None,
    }
}

pub(super) fn status_changed() -> TaskStatusChanged {
    TaskStatusChanged {
        task_id: task_id(),
        project_id: project_id(),
        tier: Some(Tier::Small),
        domain: Some(Domain::CodeGeneral),
        trace_id: trace_id(),
        status: TaskStatus::Running,
        previous_status: TaskStatus::Pending,
        phase: Phase::Ready,
        attempt: 2,
        request_id: None,
        sequence: 7,
        error: None,
        at: at(30),
    }
}
