//! Which tasks that have not ended have to do with some artifacts.

use protocol::{ProjectId, TaskId};
use service_runtime::database::StoreError;

use crate::tasks::TaskService;
use crate::tasks::store::in_flight;

/// The tasks that have not ended and made one of these artifacts before, are given one of them, or depend on a task
/// that made one; by id. `makers` are the tasks that made the artifacts; of the
/// projects `within` if that is given.
///
/// # Errors
/// When the store does not answer.
pub async fn list_in_flight<'a>(
    service: &TaskService,
    artifacts: impl IntoIterator<Item = &'a String>,
    makers: &[TaskId],
    within: Option<&[ProjectId]>,
) -> Result<Vec<TaskId>, StoreError> {
    let artifacts = artifacts.into_iter().cloned().collect();
    Ok(in_flight::list(&mut *service.connection().await?, artifacts, makers, within).await?)
}
