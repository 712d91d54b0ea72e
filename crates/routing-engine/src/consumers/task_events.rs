//! Answers each `task.created` with one event, which is confirmed by the broker before the delivery is
//! acknowledged: a crash in between repeats the answer under the same id instead of losing it.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use messaging::{BatchHandler, HandlerError, Outcome, PublishError, Publisher, Received};
use protocol::events::TaskCreated;
use protocol::{Event, EventData};
use service_runtime::clock::Clock;
use service_runtime::telemetry;
use tracing::{Instrument, debug, info_span};

use super::Cancellations;
use crate::lanes::{TierLane, refuse};
use crate::measurements;

/// Who this service is in the events it publishes.
const SOURCE: &str = "/orchestration/routing-engine";
/// No lane takes work of this type.
const UNSUPPORTED_WORK: &str = "UNSUPPORTED_WORK";

/// The handler of the own queue.
pub struct TaskEvents {
    lane: TierLane,
    publisher: Publisher,
    cancellations: Arc<Cancellations>,
    clock: Arc<dyn Clock>,
}

impl TaskEvents {
    /// Routes through `lane` and answers through `publisher`.
    #[must_use]
    pub fn new(lane: TierLane, publisher: Publisher, clock: Arc<dyn Clock>) -> Self {
        let cancellations = Cancellations::new(Arc::clone(&clock));
        Self { lane, publisher, cancellations, clock }
    }

    async fn handle_one(&self, received: &Received) -> Result<Outcome, HandlerError> {
        let EventData::TaskCreated(task) = &received.event.data else { return Ok(Outcome::Done) };
        let span = info_span!("route_task", task.id = %task.task_id, attempt = task.attempt);
        telemetry::set_parent(&span, received.traceparent.as_deref());
        self.answer(&received.event, task).instrument(span).await
    }

    async fn answer(&self, cause: &Event, task: &TaskCreated) -> Result<Outcome, HandlerError> {
        let Some(in_progress) = self.cancellations.begin(task.task_id, task.attempt) else {
            return Ok(dropped(task));
        };
        let data = tokio::select! {
            data = self.route(task) => data,
            () = in_progress.cancelled() => return Ok(dropped(task)),
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

    async fn route(&self, task: &TaskCreated) -> EventData {
        match &task.work_type {
            None => self.lane.route(task).await,
            Some(work_type) => {
                refuse(task, UNSUPPORTED_WORK, format!("no lane takes work of type {work_type:?}"))
            }
        }
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

fn dropped(task: &TaskCreated) -> Outcome {
    debug!(task.id = %task.task_id, attempt = task.attempt, "A cancelled task attempt is not routed");
    measurements::dropped();
    Outcome::Done
}
