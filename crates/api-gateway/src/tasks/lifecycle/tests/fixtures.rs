//! Tasks in every phase, reached through inputs alone, and one input of every kind.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::events::{
    Analyzer, Context, Failure, Output, Routing, TaskCompleted, TaskFailed, TaskOptions, TaskOutputCreated,
    TaskReady,
};
use protocol::vocabulary::{
    Domain, ExecutionMode, Phase, Priority, QaProfile, ReviewDecision, TaskStatus, Tier, WorkMode,
};
use protocol::{ArtifactId, ProjectId, ProvenanceId, RequestId, TaskId, TraceId};
use uuid::Uuid;

use crate::tasks::lifecycle::{Effect, Ignored, Input, Rules, apply};
use crate::tasks::task::{Submission, Task};

pub(super) const REVIEW: &str = "review-1";
pub(super) const WORKER: &str = "worker-1";

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

pub(super) fn task_id() -> TaskId {
    TaskId(Uuid::from_u128(1))
}

pub(super) fn submission() -> Submission {
    Submission {
        id: task_id(),
        project_id: ProjectId::default(),
        description: "write a parser".to_owned(),
        priority: Priority::Normal,
        execution_mode: ExecutionMode::Autonomous,
        options: TaskOptions::default(),
        inputs: Vec::new(),
        depends_on: Vec::new(),
        not_before: None,
        metadata: Default::default(),
        constitution: None,
        parent_id: None,
        work_type: None,
        parameters: None,
        trace_id: TraceId(Uuid::from_u128(2)),
        request_id: RequestId(Uuid::from_u128(3)),
        created_at: start(),
    }
}

pub(super) fn agent_submission() -> Submission {
    Submission { work_type: Some("echo".to_owned()), parameters: Some(Default::default()), ..submission() }
}

/// Drives one task, a second passing with every input.
pub(super) struct Driver {
    pub(super) task: Task,
    pub(super) rules: Rules,
    pub(super) now: DateTime<Utc>,
}

impl Driver {
    pub(super) fn new(submission: Submission) -> Self {
        let rules = Rules::default();
        let blocked = !submission.depends_on.is_empty();
        let task = Task::submitted(submission, &rules, blocked);
        Self { task, rules, now: start() }
    }

    pub(super) fn give(&mut self, input: &Input) -> Result<Vec<Effect>, Ignored> {
        self.now += TimeDelta::seconds(1);
        apply(&mut self.task, input, &self.rules, self.now)
    }

    pub(super) fn must(&mut self, input: Input) -> Vec<Effect> {
        let phase = self.task.phase;
        self.give(&input).unwrap_or_else(|ignored| panic!("{input:?} while {phase}: {ignored}"))
    }

    /// Lets the task's timer go off.
    pub(super) fn ring(&mut self) {
        self.now = self.now.max(self.task.wake_at.expect("no timer is set"));
        self.must(Input::TimerDue);
    }

    /// From a fresh attempt to a worker that has begun.
    pub(super) fn reach_executing(&mut self) {
        if self.task.wake_at.is_some() {
            self.ring();
        }
        self.must(admitted());
        if self.task.is_for_agent() {
            self.must(Input::Dispatched { attempt: self.task.attempt });
        } else {
            self.must(ready(self.task.attempt));
        }
        self.must(started(Some(self.task.attempt)));
    }

    pub(super) fn reach_validating(&mut self) {
        self.reach_executing();
        self.must(output(Some(self.task.attempt)));
    }
}

/// A task in the given phase, on its first attempt.
pub(super) fn in_phase(phase: Phase, for_agent: bool) -> Driver {
    let mut submission = if for_agent { agent_submission() } else { submission() };
    if phase == Phase::Blocked {
        submission.depends_on = vec![TaskId(Uuid::from_u128(9))];
    }
    let mut driver = Driver::new(submission);
    match phase {
        Phase::Submitted | Phase::Blocked => {}
        Phase::Routing => drop(driver.must(admitted())),
        Phase::Ready => {
            driver.must(admitted());
            driver.must(if for_agent { Input::Dispatched { attempt: 1 } } else { ready(1) });
        }
        Phase::Executing => driver.reach_executing(),
        Phase::Validating => driver.reach_validating(),
        Phase::InReview => {
            driver.reach_validating();
            driver.must(review_requested());
        }
        Phase::Decomposed => {
            driver.must(admitted());
            driver.must(Input::Decomposed { attempt: 1, subtasks: 2, routing: None });
        }
        Phase::Done => drop(driver.must(Input::Cancel { reason: String::new() })),
    }
    assert_eq!(driver.task.phase, phase);
    driver
}

pub(super) fn subtasks_counted(completed: u32, failed: u32) -> Input {
    Input::SubtasksCounted { completed, failed, artifacts: Vec::new() }
}

pub(super) fn admitted() -> Input {
    Input::Admitted { request_id: RequestId(Uuid::from_u128(77)) }
}

pub(super) fn started(attempt: Option<u32>) -> Input {
    Input::Started { attempt, hand_over: None, worker_id: Some(WORKER.to_owned()), message: None }
}

pub(super) fn progress(attempt: Option<u32>, percent: Option<f64>) -> Input {
    Input::Progress { attempt, hand_over: None, worker_id: None, percent, message: None }
}

pub(super) fn validated(attempt: Option<u32>) -> Input {
    Input::Validated { attempt }
}

pub(super) fn rejected(attempt: Option<u32>) -> Input {
    Input::Rejected {
        attempt,
        reason: Some("no tests".to_owned()),
        issues: vec!["no tests".into()],
        retryable: true,
    }
}

pub(super) fn review_requested() -> Input {
    Input::ReviewRequested {
        attempt: None,
        review_id: REVIEW.to_owned(),
        reason: "unsure".to_owned(),
        priority: None,
        questions: Vec::new(),
    }
}

pub(super) fn reviewed(decision: ReviewDecision) -> Input {
    Input::ReviewCompleted {
        review_id: REVIEW.to_owned(),
        decision,
        comments: Some("see below".to_owned()),
        required_changes: Vec::new(),
    }
}

pub(super) fn failed(attempt: Option<u32>, retryable: bool) -> Input {
    Input::Failed(Box::new(TaskFailed {
        task_id: task_id(),
        attempt,
        error: Failure::new("MODEL_CRASHED", "the model crashed", retryable),
        worker_id: Some(WORKER.to_owned()),
        agent_id: None,
        request_id: None,
        exit_code: None,
        output: None,
        duration_ms: None,
        analysis_result: None,
    }))
}

pub(super) fn agent_failed() -> Input {
    Input::Failed(Box::new(TaskFailed {
        task_id: task_id(),
        attempt: None,
        error: Failure::new(Failure::AGENT_FAILED, "exit code 1", true),
        worker_id: None,
        agent_id: Some("agent-1".to_owned()),
        request_id: None,
        exit_code: Some(1),
        output: Some("no such playbook".to_owned()),
        duration_ms: Some(5),
        analysis_result: None,
    }))
}

pub(super) fn agent_completed(request_id: Option<RequestId>) -> Input {
    Input::AgentCompleted(Box::new(TaskCompleted {
        task_id: task_id(),
        project_id: None,
        attempt: None,
        agent_id: Some("agent-1".to_owned()),
        request_id,
        exit_code: Some(0),
        output: "Echo: hello".to_owned(),
        duration_ms: Some(5),
        resources_used: None,
        analysis_result: None,
    }))
}

pub(super) fn ready_with(attempt: u32, tier: Tier, qa_profile: QaProfile) -> Input {
    Input::Ready(Box::new(TaskReady {
        task_id: task_id(),
        project_id: ProjectId::default(),
        domain: Domain::CodeGeneral,
        tier,
        context: Context::default(),
        description: "write a parser".to_owned(),
        attempt,
        mode: WorkMode::NewProject,
        qa_profile,
        model_candidates: Vec::new(),
        inputs: Vec::new(),
        feedback: Vec::new(),
        constitution: None,
        deadline_at: None,
        priority: Priority::Normal,
        provenance_id: ProvenanceId::of_attempt(task_id(), attempt),
        routing: Routing {
            analyzer: Analyzer::Rules,
            reasons: Vec::new(),
            confidence: None,
            estimated_tokens: None,
            fallback: false,
        },
    }))
}

pub(super) fn ready(attempt: u32) -> Input {
    ready_with(attempt, Tier::Small, QaProfile::Consensus)
}

pub(super) fn output(attempt: Option<u32>) -> Input {
    Input::Output(Box::new(TaskOutputCreated {
        task_id: task_id(),
        artifact_id: ArtifactId::new("artifact-1").unwrap(),
        attempt,
        project_id: None,
        tier: None,
        domain: None,
        output: Output::default(),
        inputs_consumed: Vec::new(),
        worker_id: Some(WORKER.to_owned()),
        model_used: None,
        tokens_input: Some(10),
        tokens_output: Some(20),
        execution_time_ms: Some(30),
        confidence: None,
        started_at: None,
    }))
}

/// One input of every kind, about the first attempt, with the name it has in the matrix.
pub(super) fn one_of_each() -> Vec<(&'static str, Input)> {
    let progress = progress(Some(1), Some(50.0));
    vec![
        ("admitted", admitted()),
        ("dependencies completed", Input::DependenciesCompleted),
        ("dependency reopened", Input::DependencyReopened),
        ("input tainted", Input::InputTainted { artifact: "artifact-1".to_owned() }),
        ("inputs cleared", Input::InputsCleared),
        ("dependency failed", Input::DependencyFailed { dependency: task_id(), status: TaskStatus::Failed }),
        ("ready", ready(1)),
        ("dispatched", Input::Dispatched { attempt: 1 }),
        ("decomposed", Input::Decomposed { attempt: 1, subtasks: 2, routing: None }),
        (
            "routing failed",
            Input::RoutingFailed { attempt: 1, failure: Failure::new("NO_ROUTE", "none", true) },
        ),
        ("withheld, tier paused", Input::Withheld { attempt: 1, tier: Tier::Large }),
        ("started", started(Some(1))),
        ("progress", progress),
        ("output", output(Some(1))),
        ("agent completed", agent_completed(None)),
        ("agent failed", agent_failed()),
        ("failed, retryable", failed(Some(1), true)),
        ("failed for good", failed(Some(1), false)),
        ("validated", validated(Some(1))),
        ("rejected", rejected(Some(1))),
        ("review requested", review_requested()),
        ("review: approved", reviewed(ReviewDecision::Approved)),
        ("review: rejected", reviewed(ReviewDecision::Rejected)),
        ("review: changes", reviewed(ReviewDecision::ChangesRequested)),
        ("subtasks counted", subtasks_counted(1, 0)),
        ("agent lost", Input::AgentLost { agent_id: WORKER.to_owned() }),
        ("timer due", Input::TimerDue),
        ("cancel", Input::Cancel { reason: "changed my mind".to_owned() }),
        ("retry", Input::Retry),
        ("reopen", Input::Reopen { reason: "rollback".to_owned() }),
        ("output of another attempt", output(Some(2))),
    ]
}
