//! Single tasks by their ids, for many who ask at once: questions that wait at the same moment share one statement,
//! as submissions share a transaction. A question that comes alone waits for nobody.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use protocol::TaskId;
use service_runtime::database::StoreError;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::waiting::explain_waiting;
use crate::group_commit::{BatchWriter, Collector, CollectorSettings};
use crate::tasks::TaskService;
use crate::tasks::store::named::find_tasks;
use crate::tasks::task::Task;

const SETTINGS: CollectorSettings = CollectorSettings { capacity: 4096, max_batch: 256, writers: 1 };
/// Connections that may be busy with why tasks wait. More questions than these wait here, in their order, where nobody
/// loses patience as with a pool whose connections are all taken.
const EXPLAINING: usize = 4;

/// Looks tasks up. Cheap to clone.
#[derive(Clone)]
pub struct TaskReader {
    service: TaskService,
    questions: Collector<Shelf>,
    explaining: Arc<Semaphore>,
}

impl TaskReader {
    /// The reader, and the loop that asks the database, for the caller to spawn; it ends after `stop`.
    pub fn new(service: TaskService, stop: CancellationToken) -> (Self, impl Future<Output = ()> + Send) {
        let (questions, run) = Collector::new(SETTINGS, Shelf { service: service.clone() }, stop);
        (Self { service, questions, explaining: Arc::new(Semaphore::new(EXPLAINING)) }, run)
    }

    /// The task as it is now, with what it waits for in detail; `None` if there is none of that id.
    ///
    /// # Errors
    /// When the store does not answer, or more ask than can be answered.
    pub async fn find(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        let asked = self.questions.write(id).await;
        match asked.map_err(|error| StoreError::Unavailable(error.into()))?? {
            Some(task) if task.awaits_slot() || task.awaits_dependencies() => {
                let _turn = self.explaining.acquire().await;
                Ok(Some(explain_waiting(&self.service, task).await?))
            }
            Some(task) => Ok(Some(task)),
            None => Ok(None),
        }
    }
}

/// Where the tasks are looked for.
struct Shelf {
    service: TaskService,
}

impl Shelf {
    async fn find(&self, ids: &[TaskId]) -> Result<HashMap<TaskId, Task>, StoreError> {
        Ok(find_tasks(&*self.service.connection().await?, ids).await?)
    }
}

#[async_trait]
impl BatchWriter for Shelf {
    type Item = TaskId;
    type Answer = Result<Option<Task>, StoreError>;

    async fn write(&self, batch: Vec<TaskId>) -> Vec<Self::Answer> {
        match self.find(&batch).await {
            // Several may ask for the same task.
            Ok(found) => batch.iter().map(|id| Ok(found.get(id).cloned())).collect(),
            Err(StoreError::Unavailable(cause)) => {
                let text = cause.to_string();
                batch.iter().map(|_| Err(StoreError::Unavailable(text.clone().into()))).collect()
            }
            // One row that cannot be read must not hide the others.
            Err(_) => {
                let mut answers = Vec::with_capacity(batch.len());
                for id in &batch {
                    answers.push(self.find(&[*id]).await.map(|mut found| found.remove(id)));
                }
                answers
            }
        }
    }
}
