//! A task as the gateway knows it: what its submitter fixed, and what its life has made of it since.

use chrono::{DateTime, Utc};
use protocol::events::{Artifact, Failure, Feedback, Input, JsonObject, Routing, TaskOptions};
use protocol::vocabulary::{Domain, ExecutionMode, Phase, Priority, QaProfile, TaskStatus, Tier, WorkMode};
use protocol::{ProjectId, RequestId, TaskId, Timestamp, TraceId};
use serde::{Deserialize, Serialize};

use super::lifecycle::Rules;

/// What a submitter asks for; never changes afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The task's id.
    pub id: TaskId,
    /// Its project.
    pub project_id: ProjectId,
    /// What is to be done.
    pub description: String,
    /// How urgent.
    pub priority: Priority,
    /// Whether people take part.
    pub execution_mode: ExecutionMode,
    /// Wishes about routing, QA and retries.
    pub options: TaskOptions,
    /// Artifacts to work from.
    pub inputs: Vec<Input>,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// Not to be started earlier.
    pub not_before: Option<DateTime<Utc>>,
    /// The submitter's own data.
    pub metadata: JsonObject,
    /// Rules for the worker, passed on.
    pub constitution: Option<JsonObject>,
    /// The task it was split from.
    pub parent_id: Option<TaskId>,
    /// Present for work that goes to an agent by its type.
    pub work_type: Option<String>,
    /// That work's parameters.
    pub parameters: Option<JsonObject>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// The hand-over id of the first attempt.
    pub request_id: RequestId,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
}

/// Why a task that could go on does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingReason {
    /// Its project runs as many tasks as it may.
    Slot,
    /// A task it depends on is not completed.
    Dependency,
    /// A person is asked.
    Review,
    /// One of its inputs was found wrong.
    TaintedInput,
    /// Its project or tier is paused.
    Pause,
    /// The next attempt is not due yet, or its `not_before` is not reached.
    Backoff,
}

/// What a task waits for, as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The kind of wait.
    pub reason: WaitingReason,
    /// In words, where there is more to say.
    pub detail: Option<String>,
}

impl Waiting {
    /// A wait with nothing more to say.
    #[must_use]
    pub const fn on(reason: WaitingReason) -> Self {
        Self { reason, detail: None }
    }

    /// A wait with an explanation.
    #[must_use]
    pub fn because(reason: WaitingReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

/// How one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// Which attempt.
    pub attempt: u32,
    /// Short name that programs can act on.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether another attempt might have gone better.
    pub retryable: bool,
    /// When.
    pub at: Timestamp,
}

/// What the current attempt has shown so far; a new attempt begins with an empty one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    /// The worker or agent.
    pub worker_id: Option<String>,
    /// When it said that it began.
    pub started_at: Option<DateTime<Utc>>,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// In words.
    pub message: Option<String>,
    /// What was produced.
    pub artifacts: Vec<Artifact>,
    /// With which model.
    pub model_used: Option<String>,
    /// Tokens read.
    pub tokens_input: Option<u64>,
    /// Tokens written.
    pub tokens_output: Option<u64>,
    /// How long it took, as the worker or agent measured it.
    pub execution_time_ms: Option<u64>,
    /// An agent's printed output.
    pub output: Option<String>,
    /// An agent's exit code.
    pub exit_code: Option<i64>,
    /// What an agent found out about its work, in a form of its own.
    pub analysis: Option<serde_json::Value>,
}

/// A question to a person that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReview {
    /// As QA named it.
    pub review_id: String,
    /// Why a person is asked.
    pub reason: String,
}

/// How far the subtasks of a split task are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtasks {
    /// In the plan.
    pub total: u32,
    /// Completed.
    pub completed: u32,
    /// Failed for good or cancelled.
    pub failed: u32,
}

/// A task: its submission and its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What was asked for.
    pub submission: Submission,
    /// Coarse state; follows from phase and outcome.
    pub status: TaskStatus,
    /// Where inside the status.
    pub phase: Phase,
    /// Which pass, from 1.
    pub attempt: u32,
    /// Passes allowed; an explicit retry adds one.
    pub max_attempts: u32,
    /// The current attempt's hand-over id.
    pub request_id: RequestId,
    /// Grows by one with every change.
    pub sequence: u64,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// When its phase or attempt runs out, or its wait ends: the one timer a task has.
    pub wake_at: Option<DateTime<Utc>>,
    /// When the current attempt must be over.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When the current phase began.
    pub phase_since: DateTime<Utc>,
    /// When the first attempt was released to routing.
    pub admitted_at: Option<DateTime<Utc>>,
    /// When work first began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// What it does to its project, as analysed.
    pub work_mode: Option<WorkMode>,
    /// What knowledge it needs, as analysed.
    pub domain: Option<Domain>,
    /// The tier it went to.
    pub tier: Option<Tier>,
    /// How its output is judged.
    pub qa_profile: Option<QaProfile>,
    /// Why it went there.
    pub routing: Option<Routing>,
    /// Lowest tier of further attempts.
    pub minimum_tier: Option<Tier>,
    /// Rejections since it came to its tier.
    pub rejections_at_tier: u32,
    /// The current attempt's work.
    pub work: Work,
    /// The question a person is asked.
    pub review: Option<PendingReview>,
    /// How far its subtasks are.
    pub subtasks: Subtasks,
    /// What earlier attempts taught.
    pub feedback: Vec<Feedback>,
    /// How earlier attempts failed.
    pub errors: Vec<AttemptError>,
    /// Why it failed for good.
    pub error: Option<AttemptError>,
}

impl Task {
    /// A task as it is stored first: waiting for a slot, for its time, or for other tasks.
    #[must_use]
    pub fn submitted(submission: Submission, rules: &Rules, blocked: bool) -> Self {
        let now = submission.created_at;
        let not_before = submission.not_before.filter(|&time| time > now);
        let (phase, waiting) = if blocked {
            (Phase::Blocked, Waiting::on(WaitingReason::Dependency))
        } else if let Some(time) = not_before {
            let detail = format!("not before {}", Timestamp::from(time));
            (Phase::Submitted, Waiting::because(WaitingReason::Backoff, detail))
        } else {
            (Phase::Submitted, Waiting::on(WaitingReason::Slot))
        };
        Self {
            status: TaskStatus::Pending,
            phase,
            attempt: 1,
            max_attempts: submission.options.max_attempts.unwrap_or(rules.default_max_attempts),
            request_id: submission.request_id,
            sequence: 1,
            waiting: Some(waiting),
            wake_at: if blocked { Some(rules.blocked_until(now)) } else { not_before },
            deadline_at: None,
            phase_since: now,
            admitted_at: None,
            started_at: None,
            completed_at: None,
            updated_at: now,
            work_mode: None,
            domain: None,
            tier: None,
            qa_profile: None,
            routing: None,
            minimum_tier: None,
            rejections_at_tier: 0,
            work: Work::default(),
            review: None,
            subtasks: Subtasks::default(),
            feedback: Vec::new(),
            errors: Vec::new(),
            error: None,
            submission,
        }
    }

    /// Whether it counts against its project's limit. A person's answer may take days and subtasks take slots of
    /// their own, so neither wait holds one.
    #[must_use]
    pub const fn holds_slot(&self) -> bool {
        match self.phase {
            Phase::Routing | Phase::Ready | Phase::Executing | Phase::Validating => true,
            Phase::Submitted | Phase::Blocked | Phase::InReview | Phase::Decomposed | Phase::Done => false,
        }
    }

    /// Whether only a free slot keeps it from being released.
    #[must_use]
    pub fn awaits_slot(&self) -> bool {
        self.phase == Phase::Submitted && self.waits_for(WaitingReason::Slot)
    }

    /// Whether this is why it waits.
    #[must_use]
    pub fn waits_for(&self, reason: WaitingReason) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.reason == reason)
    }

    /// Whether it waits for tasks that it depends on.
    #[must_use]
    pub fn awaits_dependencies(&self) -> bool {
        self.phase == Phase::Blocked && self.waits_for(WaitingReason::Dependency)
    }

    /// Whether it goes to an agent by its work type rather than to a worker by its tier.
    #[must_use]
    pub const fn is_for_agent(&self) -> bool {
        self.submission.work_type.is_some()
    }

    /// The tier and domain pins of its submitter.
    #[must_use]
    pub const fn is_tier_pinned(&self) -> bool {
        self.submission.options.tier.is_some()
    }

    /// Whether it is completed and a worker's output led to that.
    #[must_use]
    pub fn completed_with_output(&self) -> bool {
        self.status == TaskStatus::Completed && self.work.worker_id.is_some()
    }

    /// The tier that it is known to go to: the pinned one, else the least that its next attempt may have, else the
    /// one of an earlier attempt. What routing will decide about its first attempt nobody knows.
    #[must_use]
    pub fn known_tier(&self) -> Option<&Tier> {
        self.submission.options.tier.as_ref().or(self.minimum_tier.as_ref()).or(self.tier.as_ref())
    }

    /// Its failure in the form in which events carry it.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.error.as_ref().map(|error| Failure::new(&error.code, &error.message, error.retryable))
    }
}
