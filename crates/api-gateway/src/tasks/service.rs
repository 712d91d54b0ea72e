//! What every use case works with: database, clock, rules, and what is to be done after a commit.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use messaging::outbox::OutboxEntry;
use protocol::{EventId, Timestamp};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, PooledConnection, StoreError};

use super::changes::Committed;
use super::estimates::Estimates;
use super::lifecycle::Rules;
use super::task::Task;
use crate::idempotency::OperationId;
use crate::live::LiveFeed;
use crate::reconcilers::Nudges;
use crate::workers::WorkerSightings;

/// Takes events whose outbox rows are committed, and must not wait: the outbox relay, or a test's notebook.
pub type Announce = Arc<dyn Fn(Vec<OutboxEntry>) + Send + Sync>;

/// What the use cases depend on; see [`TaskService`].
pub struct TaskServiceParts {
    /// The database.
    pub pool: Pool,
    /// Publishes committed events.
    pub announce: Announce,
    /// Tells those who watch of committed changes.
    pub live: LiveFeed,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What the life of a task depends on.
    pub rules: Rules,
    /// Tasks that a project may run at once if it does not say.
    pub max_concurrent_per_project: u32,
}

/// The tasks' use cases share one of these. Cheap to clone.
#[derive(Clone)]
pub struct TaskService {
    inner: Arc<Inner>,
    operation: Option<OperationId>,
}

struct Inner {
    parts: TaskServiceParts,
    nudges: Nudges,
    estimates: Estimates,
    workers: WorkerSightings,
}

impl TaskService {
    /// Brings the parts together; nothing is started.
    #[must_use]
    pub fn new(parts: TaskServiceParts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                nudges: Nudges::default(),
                estimates: Estimates::default(),
                workers: WorkerSightings::default(),
            }),
            operation: None,
        }
    }

    /// The same for one request with an idempotency key: what it did is found when it is served again.
    pub(crate) fn serving(&self, operation: Option<OperationId>) -> Self {
        Self { operation, ..self.clone() }
    }

    /// The request that is served, if it has an idempotency key.
    pub(crate) const fn operation(&self) -> Option<OperationId> {
        self.operation
    }

    /// The id of something that the request makes: the same when it is served again.
    pub(crate) fn id_to_make(&self) -> EventId {
        self.operation.map_or_else(EventId::generate, OperationId::event_id)
    }

    /// When the task will probably be completed; `None` before anything was measured, for a task that has
    /// ended, and for one that waits for something that nobody can foresee.
    #[must_use]
    pub fn estimate_completion(&self, task: &Task) -> Option<Timestamp> {
        self.inner.estimates.completion(task, self.now()).map(Into::into)
    }

    /// The time now, as precise as the database keeps it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Timestamp::from(self.inner.parts.clock.now()).to_utc()
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.inner.parts.rules
    }

    pub(crate) fn nudges(&self) -> &Nudges {
        &self.inner.nudges
    }

    pub(crate) fn estimates(&self) -> &Estimates {
        &self.inner.estimates
    }

    pub(crate) fn workers(&self) -> &WorkerSightings {
        &self.inner.workers
    }

    pub(crate) fn default_limit(&self) -> u32 {
        self.inner.parts.max_concurrent_per_project
    }

    pub(crate) async fn connection(&self) -> Result<PooledConnection, StoreError> {
        Ok(self.inner.parts.pool.get().await?)
    }

    /// Publishes events whose outbox rows are committed.
    pub(crate) fn publish(&self, events: Vec<OutboxEntry>) {
        (self.inner.parts.announce)(events);
    }

    /// What follows from a commit: publish, count, wake those who may have work now. Returns the tasks as they
    /// are stored. Losing it to a crash loses nothing: rows are swept, reconcilers look for themselves.
    pub(crate) fn committed(&self, committed: Committed) -> Vec<Task> {
        committed.observe();
        if !committed.events.is_empty() {
            (self.inner.parts.announce)(committed.events);
        }
        self.inner.parts.live.tell(committed.updates);
        self.inner.workers.note(committed.heard);
        self.inner.nudges.admission.add(committed.may_admit);
        self.inner.nudges.dependencies.add(committed.awaited);
        self.inner.nudges.family.add(committed.families);
        self.inner.nudges.webhooks.add(committed.has_deliveries.then_some(()));
        committed.tasks
    }
}
