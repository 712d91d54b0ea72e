//! A person's answer to a review. It changes the task and is announced to everybody in one transaction, under the
//! lock of the task's row: of two answers at once the first counts.

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, inbox};
use protocol::Event;
use protocol::events::ReviewCompleted;
use service_runtime::database::StoreError;
use service_runtime::telemetry::current_traceparent;
use thiserror::Error;

use super::{Answer, Review, ReviewId, ReviewStatus, store};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet, Committed, Decision, SOURCE};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::history::find_applied_in;
use crate::tasks::store::read::lock_tasks;
use crate::tasks::task::Task;

/// Why an answer was not taken.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// There is no such review.
    #[error("there is no such review")]
    NotFound,
    /// It was answered, or needs no answer any more.
    #[error("the review is {status}")]
    NotPending {
        /// What became of it.
        status: ReviewStatus,
    },
    /// The store could not do it.
    #[error("the review could not be answered")]
    Store(#[from] StoreError),
}

/// Answers a review and returns its task after it.
///
/// # Errors
/// See [`AnswerError`]; nothing changes then.
pub async fn answer_review(
    service: &TaskService,
    id: &ReviewId,
    answer: &Answer,
) -> Result<Task, AnswerError> {
    let mut conn = service.connection().await?;
    let (taken, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| take_answer(conn, service, id, answer).await)
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    if let Some(committed) = committed {
        service.committed(committed);
    }
    match taken {
        Taken::Answered(task) => Ok(*task),
        Taken::Unknown => Err(AnswerError::NotFound),
        Taken::Closed(status) => Err(AnswerError::NotPending { status }),
    }
}

enum Taken {
    Answered(Box<Task>),
    Unknown,
    Closed(ReviewStatus),
}

async fn take_answer(
    conn: &mut AsyncPgConnection,
    service: &TaskService,
    id: &ReviewId,
    answer: &Answer,
) -> QueryResult<(Taken, Option<Committed>)> {
    let Some(review) = store::find_review(conn, id).await? else { return Ok((Taken::Unknown, None)) };
    let locked = lock_tasks(conn, &[review.task_id]).await?;
    let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
    let operation = service.operation().map(|operation| operation.event_id());
    if find_applied_in(conn, review.task_id, operation).await?.is_some() {
        let task = changes.task(review.task_id).cloned();
        return Ok((task.map_or(Taken::Unknown, |task| Taken::Answered(Box::new(task))), None));
    }
    let asked = changes.task(review.task_id).and_then(|task| task.review.as_ref());
    if asked.is_none_or(|asked| asked.review_id != id.as_str()) {
        // Looked at again, because somebody else's answer may have come before the lock.
        let status = store::find_review(conn, id).await?.map(|review| review.status);
        return Ok((status.map_or(Taken::Unknown, Taken::Closed), None));
    }
    let announced = announcement(service, &changes, &review, answer);
    // It comes back to us like anybody else's answer, and is known then.
    inbox::claim(conn, &[announced.id]).await?;
    let cause = Cause {
        event_id: Some(announced.id),
        note: answer.comments.clone(),
        traceparent: current_traceparent(),
        ..Cause::ours("review.completed")
    };
    let input = Input::ReviewCompleted {
        review_id: id.as_str().to_owned(),
        decision: answer.decision,
        comments: answer.comments.clone(),
        required_changes: answer.required_changes.clone(),
    };
    if changes.apply(review.task_id, &input, &cause)? != Decision::Applied {
        return Ok((Taken::Closed(review.status), None));
    }
    let entry =
        OutboxEntry::from_event(&announced).map_err(|error| DieselError::SerializationError(error.into()))?;
    changes.announce(entry);
    let task = changes.task(review.task_id).cloned();
    let committed = changes.write(conn).await?;
    Ok((task.map_or(Taken::Unknown, |task| Taken::Answered(Box::new(task))), Some(committed)))
}

/// The answer as everybody hears it. Names the attempt: that the task goes on with the next one may be heard before.
fn announcement(service: &TaskService, changes: &ChangeSet<'_>, review: &Review, answer: &Answer) -> Event {
    let task = changes.task(review.task_id);
    let completed = ReviewCompleted {
        review_id: review.id.to_string(),
        task_id: review.task_id,
        // Looked up before the lock, the review itself may be one that was asked of an earlier attempt.
        attempt: Some(task.map_or(review.attempt, |task| task.attempt)),
        decision: answer.decision,
        reviewer_id: answer.reviewer.clone(),
        comments: answer.comments.clone(),
        required_changes: answer.required_changes.clone(),
    };
    let mut event = Event::new(SOURCE, service.now(), completed);
    event.id = service.id_to_make();
    match task {
        Some(task) => event.in_trace(task.submission.trace_id),
        None => event,
    }
}
