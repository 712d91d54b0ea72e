//! Taking tasks in. Submissions that wait at the same moment share one transaction (group commit); whoever is
//! answered `Ok` has a durable task. The first ones that find a free slot of their project are released at once.

mod new_task;
mod rounds;
mod slots;
mod writer;

pub use crate::group_commit::CollectorSettings;
pub use new_task::{LeftOpen, NewTask};

use protocol::TaskId;
use protocol::vocabulary::Priority;
use service_runtime::database::StoreError;
use service_runtime::telemetry::current_traceparent;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::TaskService;
use super::dispatch::NewDispatch;
use super::task::{Submission, Task};
use crate::audit::AuditEntry;
use crate::group_commit::{CollectError, Collector};
use crate::idempotency::OperationId;
use writer::SubmissionWriter;

/// Why a task was not taken in.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// It depends on tasks that do not exist or belong to another project.
    #[error("{} of the tasks it depends on are not in its project", .0.len())]
    UnknownDependencies(Vec<TaskId>),
    /// The id it names is that of another task.
    #[error("there is a task of that id with other content")]
    TaskExists,
    /// More submissions wait than may; try again.
    #[error("too many submissions are waiting")]
    Overloaded,
    /// The service is ending; try another replica, or again.
    #[error("the service is about to stop")]
    Stopping,
    /// The store could not take it.
    #[error("the task could not be stored")]
    Store(#[from] StoreError),
}

impl From<CollectError> for SubmitError {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::Overloaded => Self::Overloaded,
            CollectError::Stopped => Self::Stopping,
        }
    }
}

/// The id that a new task gets, and the request that it comes with.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    /// The id.
    pub(crate) id: TaskId,
    /// Whether the id stands for this submission alone: the task that has it is the answer.
    is_repeatable: bool,
    /// The request's entry of the audit log, to be stored with the task.
    pub(crate) audit: Option<AuditEntry>,
}

impl Naming {
    /// The id of the task that a request makes at this place: the same whenever the operation is served, else a new
    /// one.
    pub(crate) fn of(operation: Option<OperationId>, place: usize) -> Self {
        let id = operation.map(|operation| operation.task_id(place));
        Self { id: id.unwrap_or_else(TaskId::generate), is_repeatable: id.is_some(), audit: None }
    }
}

/// A submission on its way to the writer.
#[derive(Debug, Clone)]
struct Ticket {
    submission: Submission,
    /// What the project decides.
    open: LeftOpen,
    /// See [`Naming`].
    is_repeatable: bool,
    /// The span of the request, under which the task's events belong.
    traceparent: Option<String>,
    /// The request's entry of the audit log, stored if and only if the submission is taken in.
    audit: Option<AuditEntry>,
}

/// Takes tasks in. Cheap to clone.
#[derive(Clone)]
pub struct Submitter {
    service: TaskService,
    default_priority: Priority,
    collector: Collector<SubmissionWriter>,
}

impl Submitter {
    /// The way in, and the loop that writes, for the caller to spawn; it ends after `stop`.
    pub fn new(
        service: TaskService,
        default_priority: Priority,
        settings: CollectorSettings,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (collector, run) = Collector::new(settings, SubmissionWriter::new(service.clone()), stop);
        (Self { service, default_priority, collector }, run)
    }

    /// Stores a task and returns it as it is stored, once it is durable.
    ///
    /// # Errors
    /// See [`SubmitError`]; nothing is stored then.
    pub async fn submit(&self, new: NewTask) -> Result<Task, SubmitError> {
        self.submit_open(new, LeftOpen::default(), Naming::of(None, 0)).await
    }

    /// The same for a task that leaves something to its project, and that comes with a request.
    ///
    /// # Errors
    /// See [`SubmitError`]; nothing is stored then.
    pub(crate) async fn submit_open(
        &self,
        new: NewTask,
        open: LeftOpen,
        naming: Naming,
    ) -> Result<Task, SubmitError> {
        let Naming { id, is_repeatable, audit } = naming;
        let submission = new.into_submission(id, self.default_priority, self.service.now());
        self.store(Ticket { submission, open, is_repeatable, traceparent: current_traceparent(), audit })
            .await
    }

    /// Stores work for an agent, or finds it stored already; returns it as it is stored.
    ///
    /// # Errors
    /// See [`SubmitError`]; nothing is stored then.
    pub(crate) async fn submit_dispatch(
        &self,
        new: NewDispatch,
        audit: Option<AuditEntry>,
    ) -> Result<Task, SubmitError> {
        let submission = new.into_submission(self.service.now());
        let (open, traceparent) = (LeftOpen::default(), current_traceparent());
        self.store(Ticket { submission, open, is_repeatable: false, traceparent, audit }).await
    }

    async fn store(&self, ticket: Ticket) -> Result<Task, SubmitError> {
        self.collector.write(ticket).await?
    }
}
