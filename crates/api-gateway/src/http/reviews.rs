//! `/reviews`: what people are asked about tasks, and the one answer that each question takes.

pub(crate) mod answer;
pub(crate) mod approve;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod reject;
pub(crate) mod request_changes;
mod view;

use protocol::ErrorCode;
use serde_json::json;

use super::problem::ApiError;
use crate::reviews::ReviewId;
use crate::reviews::answer::AnswerError;

/// No review has that id.
pub(crate) fn no_such_review(id: &ReviewId) -> ApiError {
    ApiError::new(ErrorCode::ReviewNotFound, format!("there is no review {id}"))
}

/// What a client learns of an answer that was not taken.
fn refusal(error: AnswerError, id: &ReviewId) -> ApiError {
    match error {
        AnswerError::NotFound => no_such_review(id),
        AnswerError::NotPending { status } => ApiError::new(
            ErrorCode::ReviewNotPending,
            format!("the review is {status}; only a pending one takes an answer"),
        )
        .with_details(json!({ "status": status })),
        AnswerError::Store(error) => error.into(),
    }
}
