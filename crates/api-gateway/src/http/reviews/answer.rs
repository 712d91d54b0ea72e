//! What the three answers to a review have in common.

use actix_web::web::Json;

use super::refusal;
use super::view::ReviewAnsweredResponse;
use crate::http::AppState;
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::reviews::answer::answer_review;
use crate::reviews::{Answer, ReviewId};

/// Most characters of what a person says.
pub(super) const MOST_WORDS_CHARS: usize = 10_000;

/// Gives the answer and tells what follows.
pub(super) async fn give(
    state: &AppState,
    operation: Option<OperationId>,
    id: ReviewId,
    answer: Answer,
) -> Result<Json<ReviewAnsweredResponse>, ApiError> {
    let tasks = state.tasks.serving(operation);
    let task = answer_review(&tasks, &id, &answer).await.map_err(|error| refusal(error, &id))?;
    Ok(Json(ReviewAnsweredResponse::of(id, answer.decision, &task)))
}
