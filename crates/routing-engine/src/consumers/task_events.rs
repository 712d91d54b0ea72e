//! Answers each `task.created` with one event, which is confirmed by the broker before the delivery is
//! acknowledged: a crash in between repeats the answer under the same id instead of losing it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use messaging::{BatchHandler, HandlerError, Outcome, PublishError, Publisher, Received};
use protocol::events::{TaskCancelled, TaskCreated};
use protocol::trace_context::TraceParent;
use protocol::{Event, EventData};
use service_runtime::clock::Clock;
use service_runtime::telemetry;
use tracing::{Instrument, Span, debug, info_span};

use super::Cancellations;
use crate::lanes::TierLane;
use crate::lanes::agent::{AgentLane, SendError};
use crate::{SOURCE, measurements};

/// How long it is tried to tell agents of a cancellation; the cancellation itself does not depend on it.
const CANCEL_WITHIN: Duration = Duration::from_secs(60);

/// The handler of the own queue.
pub struct TaskEvents {
    lane: TierLane,
    agents: AgentLane,
    publisher: Publisher,
    cancellations: Arc<Cancellations>,
    clock: Arc<dyn Clock>,
}

impl TaskEvents {
    /// Routes through `lane`, or through `agents` what names its work type, and answers through `publisher`.
    #[must_use]
    pub fn new(lane: TierLane, agents: AgentLane, publisher: Publisher, clock: Arc<dyn Clock>) -> Self {
        let cancellations = Cancellations::new(Arc::clone(&clock));
        Self { lane, agents, publisher, cancellations, clock }
    }

    async fn handle_one(&self, received: &Received) -> Result<Outcome, HandlerError> {
        let cause = &received.event;
        match &cause.data {
            EventData::TaskCreated(task) => {
                let span = if tells_more(received) {
                    let span = info_span!("route_task", task.id = %task.task_id, attempt = task.attempt);
                    telemetry::set_parent(&span, received.traceparent.as_deref());
                    span
                } else {
                    Span::none()
                };
                self.answer(cause, task).instrument(span).await
            }
            EventData::TaskCancelled(TaskCancelled { work_type: None, .. }) => Ok(Outcome::Done),
            EventData::TaskCancelled(cancelled @ TaskCancelled { work_type: Some(work_type), .. }) => {
                let span = info_span!("cancel_agent_task", task.id = %cancelled.task_id);
                telemetry::set_parent(&span, received.traceparent.as_deref());
                let asked = self.agents.cancel(cause, cancelled, work_type).instrument(span).await;
                asked.map_or_else(|error| not_sent(&error, Some(CANCEL_WITHIN)), |()| Ok(Outcome::Done))
            }
            _ => Ok(Outcome::Done),
        }
    }

    async fn answer(&self, cause: &Event, task: &TaskCreated) -> Result<Outcome, HandlerError> {
        let Some(in_progress) = self.cancellations.begin(task.task_id, task.attempt) else {
            return Ok(dropped(task));
        };
        let routed = tokio::select! {
            routed = self.route(cause, task) => routed,
            () = in_progress.cancelled() => return Ok(dropped(task)),
        };
        let data = match routed {
            Ok(data) => data,
            Err(error) => return not_sent(&error, self.time_left(task)),
        };
        let event = Event::following(cause, "", SOURCE, self.clock.now(), data);
        let message = match event.to_wire(telemetry::current_traceparent()) {
            Ok(message) => message,
            Err(error) => return Ok(Outcome::Dead { reason: format!("answer not writable: {error}") }),
        };
        match self.publisher.publish(message).await {
            Ok(()) => Ok(Outcome::Done),
            Err(error @ PublishError::TooLong(_)) => Ok(Outcome::Dead { reason: error.to_string() }),
            Err(error @ (PublishError::Unroutable | PublishError::Refused)) => {
                Ok(Outcome::Retry { reason: error.to_string(), within: None })
            }
            // The whole batch comes again. What of it was answered already is answered under the same ids.
            Err(error @ (PublishError::Nacked | PublishError::Stopped)) => {
                Err(HandlerError::Unavailable(error.to_string()))
            }
        }
    }

    async fn route(&self, cause: &Event, task: &TaskCreated) -> Result<EventData, SendError> {
        match &task.work_type {
            None => Ok(self.lane.route(task).await),
            Some(work_type) => self.agents.dispatch(cause, task, work_type).await,
        }
    }

    /// Until the attempt is given up.
    fn time_left(&self, task: &TaskCreated) -> Option<Duration> {
        let deadline = *task.deadline_at?;
        Some((deadline - self.clock.now()).to_std().unwrap_or_default())
    }
}

#[async_trait]
impl BatchHandler for TaskEvents {
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        for received in &batch {
            if let EventData::TaskCancelled(cancelled) = &received.event.data {
                self.cancellations.cancel(cancelled.task_id, cancelled.attempt);
            }
        }
        join_all(batch.iter().map(|received| self.handle_one(received))).await.into_iter().collect()
    }
}

/// Whether a span for one event tells more than the one around it, which is that of its batch. Not when nobody collects
/// it and the event is the only one of its batch, whose trace is then the event's.
fn tells_more(received: &Received) -> bool {
    let publisher = received.traceparent.as_deref().and_then(TraceParent::parse);
    publisher.is_none_or(|publisher| {
        publisher.sampled || telemetry::current_trace_id() != Some(publisher.trace_id.0.into_bytes())
    })
}

/// What becomes of an event that agents could not be told of.
fn not_sent(error: &SendError, within: Option<Duration>) -> Result<Outcome, HandlerError> {
    let reason = error.to_string();
    match error {
        SendError::Away
        | SendError::Publish(PublishError::Nacked | PublishError::Unroutable | PublishError::Refused) => {
            Ok(Outcome::Retry { reason, within })
        }
        SendError::Publish(PublishError::Stopped) => Err(HandlerError::Unavailable(reason)),
        SendError::Publish(PublishError::TooLong(_)) | SendError::Unwritable(_) => {
            Ok(Outcome::Dead { reason })
        }
    }
}

fn dropped(task: &TaskCreated) -> Outcome {
    debug!(task.id = %task.task_id, attempt = task.attempt, "A cancelled task attempt is not routed");
    measurements::dropped();
    Outcome::Done
}
