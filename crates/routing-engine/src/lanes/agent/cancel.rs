//! Cancel envelopes. An agent answers one as it answers any work, with a result for the task id in its payload, and
//! that answer must not be taken for a result of any task. So the id is made to be recognised by itself: one half of
//! it seals the other, and nothing has to be remembered.

use protocol::events::{JsonObject, TaskCancelled};
use protocol::vocabulary::AgentType;
use protocol::{Event, EventId, RequestId, TaskId, TraceId};
use serde_json::Value;
use uuid::Uuid;

use super::wire::{Hints, WorkRequest};

/// The work type that asks an agent to stop.
pub(super) const WORK_TYPE: &str = "cancel";
/// Before any other work.
const PRIORITY: u8 = 5;
/// Namespace of the seals.
const SEALS: Uuid = Uuid::from_u128(0x1c4e_88d2_5b0f_5f6b_a3a7_90b1_6d2e_44c8);

/// The request to stop a task. A redelivery of `cause` gives the same one.
pub(super) fn request(cause: &Event, cancelled: &TaskCancelled, to_agent: AgentType) -> WorkRequest {
    let parameters = [("task_id".to_owned(), Value::String(cancelled.task_id.to_string()))];
    WorkRequest {
        message_id: EventId::derived(cause.id, "agent.cancel"),
        to_agent,
        timestamp: cause.time,
        trace_id: cause.trace_id.unwrap_or(TraceId(cause.id.as_uuid())),
        request_id: RequestId(EventId::derived(cause.id, "agent.cancel.request").as_uuid()),
        priority: PRIORITY,
        task_id: sealed(EventId::derived(cause.id, "agent.cancel.task").as_uuid()),
        work_type: WORK_TYPE.to_owned(),
        parameters: JsonObject::from_iter(parameters),
        hints: Hints::default(),
    }
}

/// Whether the id is that of a cancel envelope. One in 2^62 other ids looks like one.
pub(super) fn is_cancel(task_id: TaskId) -> bool {
    let (half, seal) = task_id.as_uuid().as_u64_pair();
    seal == seal_of(half)
}

fn sealed(id: Uuid) -> TaskId {
    let (half, _) = id.as_u64_pair();
    TaskId(Uuid::from_u64_pair(half, seal_of(half)))
}

/// The second half of a UUIDv5, so that the whole still has the form of one.
fn seal_of(half: u64) -> u64 {
    Uuid::new_v5(&SEALS, &half.to_be_bytes()).as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(task_id: TaskId) -> Event {
        let data = TaskCancelled {
            task_id,
            reason: "no longer needed".to_owned(),
            attempt: Some(1),
            work_type: Some("echo".to_owned()),
        };
        Event::new("/orchestration/api-gateway", "2026-11-21T12:00:00Z".parse().unwrap(), data)
    }

    fn request_for(event: &Event) -> WorkRequest {
        let protocol::EventData::TaskCancelled(data) = &event.data else { panic!("not a cancellation") };
        request(event, data, AgentType::Infra)
    }

    #[test]
    fn the_id_of_a_cancel_envelope_is_recognised_and_no_other() {
        for _ in 0..100 {
            let task_id = TaskId::generate();
            let event = cancelled(task_id);
            assert!(is_cancel(request_for(&event).task_id));
            for other in [task_id, TaskId(Uuid::new_v4()), TaskId(event.id.as_uuid()), TaskId(Uuid::nil())] {
                assert!(!is_cancel(other), "{other}");
            }
        }
    }

    #[test]
    fn it_names_the_task_repeats_itself_for_a_redelivery_and_differs_for_another_cancellation() {
        let task_id = TaskId::generate();
        let event = cancelled(task_id);
        let request = request_for(&event);
        assert_eq!(request.parameters["task_id"], task_id.to_string());
        assert_eq!(request, request_for(&event));
        let later = request_for(&cancelled(task_id));
        assert_ne!((request.request_id, request.task_id), (later.request_id, later.task_id));
        assert_eq!(request.task_id.as_uuid().get_version_num(), 5, "agents check the form");
    }
}
