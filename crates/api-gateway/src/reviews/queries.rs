//! Reading reviews: those that wait for an answer, and one with what a person needs to give it.

use service_runtime::database::StoreError;

pub use super::store::ReviewFilter;
use super::{Review, ReviewId, store};
use crate::tasks::TaskService;
use crate::tasks::store::read::find_task;
use crate::tasks::task::Task;

/// A page of reviews.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewPage {
    /// The most urgent first, then the oldest.
    pub reviews: Vec<Review>,
    /// How many there are on all pages.
    pub total: u64,
}

/// Reviews that wait for an answer.
///
/// # Errors
/// When the store does not answer.
pub async fn list_reviews(
    service: &TaskService,
    filter: &ReviewFilter,
    limit: u32,
    offset: u32,
) -> Result<ReviewPage, StoreError> {
    let mut conn = service.connection().await?;
    let reviews = store::list_pending(&mut conn, filter, limit.into(), offset.into()).await?;
    let total = store::count_pending(&mut conn, filter).await?.unsigned_abs();
    Ok(ReviewPage { reviews, total })
}

/// The review and its task as it is now; `None` if there is none of that id.
///
/// # Errors
/// When the store does not answer.
pub async fn find_review(service: &TaskService, id: &ReviewId) -> Result<Option<(Review, Task)>, StoreError> {
    let mut conn = service.connection().await?;
    let Some(review) = store::find_review(&mut conn, id).await? else { return Ok(None) };
    let task = find_task(&mut conn, review.task_id).await?;
    Ok(task.map(|task| (review, task)))
}
