//! From the wire's events to what they mean for a task. One exhaustive match: a new event cannot be forgotten.

use protocol::events::{EventData, EventKind, TaskDecomposed};
use protocol::{RequestId, TaskId, TraceId};

use crate::reviews::ReviewId;
use crate::tasks::lifecycle::{HandOver, Input};

/// The events that the gateway's queue is bound to: those that mean something for a task, an agent or what tasks may
/// use. Two more are received because outsiders may count on it, and are of no consequence here: `artifact.cleared`,
/// as `artifact.standing` says what that leaves, and `provenance.recorded`.
pub const CONSUMED: [EventKind; 19] = [
    EventKind::TaskDecomposed,
    EventKind::TaskReady,
    EventKind::TaskRoutingFailed,
    EventKind::TaskDispatched,
    EventKind::TaskStarted,
    EventKind::TaskProgress,
    EventKind::TaskOutputCreated,
    EventKind::TaskCompleted,
    EventKind::TaskValidated,
    EventKind::TaskRejected,
    EventKind::TaskFailed,
    EventKind::ReviewRequested,
    EventKind::ReviewCompleted,
    EventKind::AgentHeartbeat,
    EventKind::ProvenanceRecorded,
    EventKind::ArtifactTainted,
    EventKind::ArtifactCleared,
    EventKind::ArtifactStanding,
    EventKind::RollbackCompleted,
];

/// What an event means for a task.
pub(super) enum Meaning {
    /// Something happened to it.
    Input(Input),
    /// A plan was made for it, which is checked before it happens to it.
    Plan(TaskDecomposed),
}

/// What an event means, for which task; `None` when it means nothing for any.
pub(super) fn meaning(data: EventData, trace_id: Option<TraceId>) -> Option<(TaskId, Meaning)> {
    if let EventData::TaskDecomposed(plan) = data {
        return Some((plan.task_id, Meaning::Plan(plan)));
    }
    input(data, trace_id).map(|(task_id, input)| (task_id, Meaning::Input(input)))
}

fn input(data: EventData, trace_id: Option<TraceId>) -> Option<(TaskId, Input)> {
    let hand_over =
        |request_id: Option<RequestId>| Some(HandOver { request_id: request_id?, trace_id: trace_id? });
    Some(match data {
        EventData::TaskReady(ready) => (ready.task_id, Input::Ready(Box::new(ready))),
        EventData::TaskRoutingFailed(failed) => {
            let attempt = failed.attempt;
            let input = match failed.paused_tier {
                Some(tier) => Input::Withheld { attempt, tier },
                None => Input::RoutingFailed { attempt, failure: failed.error },
            };
            (failed.task_id, input)
        }
        EventData::TaskDispatched(handed) => (handed.task_id, Input::Dispatched { attempt: handed.attempt }),
        EventData::TaskStarted(started) => (
            started.task_id,
            Input::Started {
                attempt: started.attempt,
                hand_over: hand_over(started.request_id),
                worker_id: started.worker_id.or(started.agent_id),
                message: started.message,
            },
        ),
        EventData::TaskProgress(progress) => (
            progress.task_id,
            Input::Progress {
                attempt: progress.attempt,
                hand_over: hand_over(progress.request_id),
                worker_id: progress.worker_id.or(progress.agent_id),
                percent: progress.percent,
                message: progress.message,
            },
        ),
        EventData::TaskOutputCreated(output) => (output.task_id, Input::Output(Box::new(output))),
        EventData::TaskCompleted(result) => (result.task_id, Input::AgentCompleted(Box::new(result))),
        EventData::TaskFailed(failed) => (failed.task_id, Input::Failed(Box::new(failed))),
        EventData::TaskValidated(verdict) => (verdict.task_id, Input::Validated { attempt: verdict.attempt }),
        EventData::TaskRejected(verdict) => (
            verdict.task_id,
            Input::Rejected {
                attempt: verdict.attempt,
                reason: verdict.reason,
                issues: verdict.issues,
                retryable: verdict.retryable.unwrap_or(true),
            },
        ),
        // Whoever answers names it in a path.
        EventData::ReviewRequested(review) if review.review_id.parse::<ReviewId>().is_err() => return None,
        EventData::ReviewRequested(review) => (
            review.task_id,
            Input::ReviewRequested {
                attempt: review.attempt,
                review_id: review.review_id,
                reason: review.reason,
                priority: review.priority,
                questions: review.specific_questions,
            },
        ),
        EventData::ReviewCompleted(review) => (
            review.task_id,
            Input::ReviewCompleted {
                review_id: review.review_id,
                decision: review.decision,
                comments: review.comments,
                required_changes: review.required_changes,
            },
        ),
        // Plans are not inputs yet, heartbeats are about agents first, some are noted apart; the rest are our own announcements, and what others keep the books of.
        EventData::TaskCreated(_)
        | EventData::TaskCancelled(_)
        | EventData::TaskStatusChanged(_)
        | EventData::TaskDecomposed(_)
        | EventData::ProvenanceRecorded(_)
        | EventData::AgentHeartbeat(_)
        | EventData::AgentOffline(_)
        | EventData::CascadeStarted(_)
        | EventData::CascadeCompleted(_)
        | EventData::ArtifactTainted(_)
        | EventData::ArtifactSuspect(_)
        | EventData::ArtifactCleared(_)
        | EventData::ArtifactStanding(_)
        | EventData::CheckpointRequested(_)
        | EventData::CheckpointCreated(_)
        | EventData::RollbackRequested(_)
        | EventData::RollbackCompleted(_) => return None,
    })
}
