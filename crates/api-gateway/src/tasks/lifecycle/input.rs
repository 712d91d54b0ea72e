//! What can happen to a task, and why it may be ignored.

use protocol::events::{Artifact, Failure, Routing, TaskCompleted, TaskFailed, TaskOutputCreated, TaskReady};
use protocol::vocabulary::{Phase, ReviewDecision, TaskStatus, Tier};
use protocol::{RequestId, TaskId, TraceId};
use thiserror::Error;

/// Something that happened, in the terms of the task it happened to.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A slot of its project is free: release it to routing.
    Admitted {
        /// Hand-over id of the attempt that begins; the first attempt keeps its own.
        request_id: RequestId,
    },
    /// All tasks it depends on are completed.
    DependenciesCompleted,
    /// A task it depends on runs again.
    DependencyReopened,
    /// It would use something that was found wrong.
    InputTainted {
        /// What.
        artifact: String,
    },
    /// Its inputs are good again, or somebody wants it to go on all the same.
    InputsCleared,
    /// A task it depends on ended otherwise.
    DependencyFailed {
        /// Which.
        dependency: TaskId,
        /// How.
        status: TaskStatus,
    },
    /// It was put into the queue of a tier, or of the agents.
    Ready(Box<TaskReady>),
    /// It was handed to an agent's queue.
    Dispatched {
        /// Which attempt.
        attempt: u32,
    },
    /// A plan was made for it and its subtasks are stored.
    Decomposed {
        /// Which attempt.
        attempt: u32,
        /// How many subtasks.
        subtasks: u32,
        /// Why it was split, where routing said.
        routing: Option<Box<Routing>>,
    },
    /// No way was found to run it, or its plan makes no sense.
    RoutingFailed {
        /// Which attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// It would have gone to a tier that is paused.
    Withheld {
        /// Which attempt.
        attempt: u32,
        /// Where it would have gone.
        tier: Tier,
    },
    /// A worker or agent began.
    Started {
        /// Which attempt, if told.
        attempt: Option<u32>,
        /// Which hand-over, if an agent repeats it.
        hand_over: Option<HandOver>,
        /// Who.
        worker_id: Option<String>,
        /// In words.
        message: Option<String>,
    },
    /// A worker or agent tells how far it is.
    Progress {
        /// Which attempt, if told.
        attempt: Option<u32>,
        /// Which hand-over, if an agent repeats it.
        hand_over: Option<HandOver>,
        /// Who.
        worker_id: Option<String>,
        /// 0 to 100.
        percent: Option<f64>,
        /// In words.
        message: Option<String>,
    },
    /// A worker handed in its output.
    Output(Box<TaskOutputCreated>),
    /// An agent finished.
    AgentCompleted(Box<TaskCompleted>),
    /// A worker or agent failed.
    Failed(Box<TaskFailed>),
    /// QA accepted.
    Validated {
        /// Which attempt, if told.
        attempt: Option<u32>,
    },
    /// QA rejected.
    Rejected {
        /// Which attempt, if told.
        attempt: Option<u32>,
        /// In one sentence.
        reason: Option<String>,
        /// In detail.
        issues: Vec<serde_json::Value>,
        /// Whether another attempt may go better.
        retryable: bool,
    },
    /// QA asks a person.
    ReviewRequested {
        /// Which attempt, if told.
        attempt: Option<u32>,
        /// As QA names the review.
        review_id: String,
        /// Why a person is asked.
        reason: String,
        /// How urgent, in QA's words.
        priority: Option<String>,
        /// What the person should look at.
        questions: Vec<String>,
    },
    /// A person answered.
    ReviewCompleted {
        /// Which review.
        review_id: String,
        /// The answer.
        decision: ReviewDecision,
        /// In words.
        comments: Option<String>,
        /// In detail.
        required_changes: Vec<String>,
    },
    /// Its subtasks were counted anew. Absolute numbers, so that a repeated or overtaken count does no harm.
    SubtasksCounted {
        /// Completed.
        completed: u32,
        /// Failed for good or cancelled.
        failed: u32,
        /// What they produced, once all of them have completed.
        artifacts: Vec<Artifact>,
    },
    /// The agent that held it fell silent.
    AgentLost {
        /// Who.
        agent_id: String,
    },
    /// Its timer went off.
    TimerDue,
    /// Somebody wants it to stop.
    Cancel {
        /// Why; empty when nobody said.
        reason: String,
    },
    /// Somebody wants another attempt.
    Retry,
    /// A rollback took back what it was built on.
    Reopen {
        /// Why.
        reason: String,
    },
}

/// The hand-over of work to an agent, as the agent's envelope repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOver {
    /// The request.
    pub request_id: RequestId,
    /// The trace. One that is not the task's was made up, and so was the request then.
    pub trace_id: TraceId,
}

/// What must follow from a change, beyond the change itself. Every change of status, phase or attempt is
/// announced anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Ask the routing-engine (`task.created`).
    RequestRouting,
    /// Tell whoever works on it to stop (`task.cancelled`).
    AnnounceCancelled,
}

/// Why something that happened changes nothing. The text is what the history shows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Ignored {
    /// The task has ended.
    #[error("the task is already {0}")]
    AlreadyEnded(TaskStatus),
    /// It is about an attempt that is over.
    #[error("about attempt {told}, the task is at attempt {current}")]
    OtherAttempt {
        /// The attempt it names.
        told: u32,
        /// The task's.
        current: u32,
    },
    /// It answers a hand-over that is over.
    #[error("answers an earlier hand-over of the task")]
    OtherRequest,
    /// It does not fit where the task is.
    #[error("not expected while the task is {0}")]
    NotExpected(Phase),
    /// It fits once something else has arrived, which may be on its way.
    #[error("came before the event it builds on; the task is {0}")]
    Early(Phase),
    /// It was tried again for as long as what it builds on could have been on its way.
    #[error("the event it builds on did not come; the task is {0}")]
    Unfounded(Phase),
    /// Workers' events about agents' tasks, or the other way round.
    #[error("not for a task of this lane")]
    OtherLane,
    /// It says what is known.
    #[error("known already")]
    AlreadyKnown,
    /// It names a review that is not the pending one.
    #[error("about another review")]
    OtherReview,
    /// The timer was set again since.
    #[error("the timer is not due")]
    NotDue,
}

impl Ignored {
    /// Whether it is worth trying again shortly.
    #[must_use]
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::Early(_))
    }
}
