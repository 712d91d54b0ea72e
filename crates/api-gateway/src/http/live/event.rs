//! What is said in a stream of server-sent events: one line of JSON per event, numbered with the task's sequence.

use actix_web::web::Bytes;
use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::vocabulary::{PhaseWord, TaskStatusWord};
use crate::http::tasks::view::ErrorView;
use crate::live::TaskUpdate;

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamEventType {
    /// The task changed.
    StatusUpdate,
    /// It is completed; the stream ends.
    TaskComplete,
    /// It failed for good; the stream ends.
    TaskFailed,
    /// It was cancelled; the stream ends.
    TaskCancelled,
    /// A person is asked about it.
    ReviewNeeded,
}

/// Data of one event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEvent {
    /// What kind of event.
    #[serde(rename = "type")]
    event_type: StreamEventType,
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Grows with every change of the task; also the event's id.
    sequence: u64,
    /// Its status.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Where inside the status.
    #[schema(value_type = PhaseWord)]
    phase: Phase,
    /// How far it is.
    progress: StreamProgress,
    /// Why it failed; only with `task_failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
    /// What a person is asked; only with `review_needed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    review_id: Option<String>,
    /// When it came to be so.
    #[schema(value_type = DateTime)]
    at: Timestamp,
}

/// How far a task is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamProgress {
    /// Subtasks that are completed.
    completed: u32,
    /// Subtasks in its plan.
    total: u32,
    /// 0 to 100.
    percent: f64,
}

impl StreamEvent {
    fn new(event_type: StreamEventType, update: &TaskUpdate) -> Self {
        let progress = &update.progress;
        let is = |wanted| event_type == wanted;
        Self {
            event_type,
            task_id: update.task_id,
            sequence: update.sequence,
            status: update.status,
            phase: update.phase,
            progress: StreamProgress {
                completed: progress.completed_subtasks,
                total: progress.total_subtasks,
                percent: progress.percent,
            },
            error: update.error.clone().filter(|_| is(StreamEventType::TaskFailed)).map(Into::into),
            review_id: update.review_id.clone().filter(|_| is(StreamEventType::ReviewNeeded)),
            at: update.at,
        }
    }

    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        into.extend_from_slice(format!("id: {}\ndata: ", self.sequence).as_bytes());
        serde_json::to_writer(&mut *into, self)?;
        into.extend_from_slice(b"\n\n");
        Ok(())
    }
}

/// The events of one change, which belong together.
pub(super) struct Events {
    /// As they go over the wire.
    pub(super) bytes: Bytes,
    /// The task has ended; nothing follows.
    pub(super) is_last: bool,
}

/// The events that tell a change. A question to a person is told once: `asked` remembers it.
pub(super) fn events_of(update: &TaskUpdate, asked: &mut Option<String>) -> serde_json::Result<Events> {
    let event_type = match update.status {
        TaskStatus::Pending | TaskStatus::Running => StreamEventType::StatusUpdate,
        TaskStatus::Completed => StreamEventType::TaskComplete,
        TaskStatus::Failed => StreamEventType::TaskFailed,
        TaskStatus::Cancelled => StreamEventType::TaskCancelled,
    };
    let mut bytes = Vec::with_capacity(512);
    StreamEvent::new(event_type, update).write(&mut bytes)?;
    let is_last = update.status.is_terminal();
    if !is_last && update.review_id.is_some() && *asked != update.review_id {
        StreamEvent::new(StreamEventType::ReviewNeeded, update).write(&mut bytes)?;
    }
    asked.clone_from(&update.review_id);
    Ok(Events { bytes: bytes.into(), is_last })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::live::tests::update;

    /// Every event as its id and its data.
    fn told(update: &TaskUpdate, asked: &mut Option<String>) -> (Vec<(String, Value)>, bool) {
        let events = events_of(update, asked).unwrap();
        let text = String::from_utf8(events.bytes.to_vec()).unwrap();
        assert!(text.ends_with("\n\n"));
        let read = |event: &str| {
            let (id, data) = event.split_once('\n').unwrap();
            let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            (id.strip_prefix("id: ").unwrap().to_owned(), data)
        };
        (text.trim_end().split("\n\n").map(read).collect(), events.is_last)
    }

    #[test]
    fn a_change_is_one_event_on_one_line_with_the_sequence_as_id() {
        let mut update = update(7, Some(6));
        update.progress.message = Some("line one\nline two".to_owned());
        let (events, is_last) = told(&update, &mut None);
        assert!(!is_last);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].0, "7");
        assert_eq!(
            events[0].1,
            json!({
                "type": "status_update", "task_id": update.task_id, "sequence": 7, "status": "running",
                "phase": "executing", "progress": { "completed": 0, "total": 0, "percent": 25.0 }, "at": update.at,
            })
        );
    }

    #[test]
    fn ends_are_told_by_their_own_types_and_only_a_failure_has_an_error() {
        for (status, event_type) in [
            (TaskStatus::Completed, "task_complete"),
            (TaskStatus::Failed, "task_failed"),
            (TaskStatus::Cancelled, "task_cancelled"),
        ] {
            let mut update = TaskUpdate { status, phase: Phase::Done, ..update(9, None) };
            if status == TaskStatus::Failed {
                update.error = serde_json::from_value(json!({
                    "attempt": 1, "code": "TIMEOUT", "message": "too late", "retryable": true, "at": update.at,
                }))
                .unwrap();
            }
            let (events, is_last) = told(&update, &mut None);
            assert!(is_last);
            assert_eq!((events.len(), &events[0].1["type"]), (1, &json!(event_type)));
            assert_eq!(events[0].1["error"]["code"] == "TIMEOUT", status == TaskStatus::Failed);
        }
    }

    #[test]
    fn a_question_to_a_person_is_told_once() {
        let mut asked = None;
        let in_review =
            TaskUpdate { phase: Phase::InReview, review_id: Some("r-1".to_owned()), ..update(4, None) };
        let (events, _) = told(&in_review, &mut asked);
        let types: Vec<&Value> = events.iter().map(|(_, data)| &data["type"]).collect();
        assert_eq!(types, ["status_update", "review_needed"]);
        assert_eq!(events[1].1["review_id"], "r-1");
        assert_eq!(told(&in_review, &mut asked).0.len(), 1);
        told(&update(5, None), &mut asked);
        assert_eq!(told(&in_review, &mut asked).0.len(), 2);
    }
}
