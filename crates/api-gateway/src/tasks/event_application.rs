//! Applying what routing, workers, agents, QA and reviewers tell: a batch of events, one transaction. Each event
//! changes a task at most once (inbox), in the order of delivery; what changes nothing is kept in the history with
//! the reason; what came too early comes back for a while. One event that makes no sense never fails its batch.

mod batch;
mod translation;

pub use translation::CONSUMED;

use async_trait::async_trait;
use messaging::{BatchHandler, HandlerError, Outcome, Received};
use service_runtime::database::{Pipeline, StoreError};

use super::TaskService;
use super::decomposition::plan::PlanLimits;
use batch::Batch;

/// See the module.
pub struct EventHandler {
    service: TaskService,
    plan_limits: PlanLimits,
}

impl EventHandler {
    /// Applies events with these use cases; plans of subtasks are held to these limits.
    #[must_use]
    pub const fn new(service: TaskService, plan_limits: PlanLimits) -> Self {
        Self { service, plan_limits }
    }

    async fn apply(&self, received: Vec<Received>) -> Result<Vec<Outcome>, StoreError> {
        let service = &self.service;
        let mut batch = Batch::translate(received);
        let mut pipeline = Pipeline::new(service.connection().await?);
        let (committed, noted) = pipeline
            .run(async |conn| batch.apply(conn, service.rules(), self.plan_limits, service.now()).await)
            .await?;
        drop(pipeline);
        service.committed(committed);
        service.nudges().inputs.add(noted.untainted.then_some(()));
        service.nudges().rollbacks.add(noted.rolled_back.then_some(()));
        Ok(batch.outcomes())
    }
}

#[async_trait]
impl BatchHandler for EventHandler {
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        self.apply(batch).await.map_err(|error| {
            if error.is_retryable() {
                HandlerError::Unavailable(error.to_string())
            } else {
                HandlerError::Failed(with_causes(&error))
            }
        })
    }
}

/// The error and what led to it: it ends up in the headers of a dead letter.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
