//! `POST /reviews/{review_id}/reject`: the output is not good.

use actix_web::web::{Data, Json};
use protocol::vocabulary::ReviewDecision;
use utoipa::ToSchema;

use super::answer::{MOST_WORDS_CHARS, give};
use super::view::ReviewAnsweredResponse;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchReviewOrBadAnswer};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::reviews::{Answer, ReviewId};

/// Rejects what a review is about
///
/// The task's next attempt begins with the reason as feedback, if one is left; otherwise the task fails.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{review_id}/reject",
    tag = "reviews",
    params(("review_id" = String, Path, description = "The review", min_length = 1, max_length = 255)),
    request_body(content = RejectReviewRequest, examples(
        ("reasoned" = (value = json!({ "reason": "It does not handle empty input" }))),
    )),
    responses(
        (status = 200, description = "The answer is taken", body = ReviewAnsweredResponse,
            example = json!({ "review_id": "qa-readme-de-1", "status": "rejected",
                "message": "Attempt 2 of the task follows." })),
        NoSuchReviewOrBadAnswer,
        CannotServe,
    )
)]
pub(crate) async fn reject_review(
    state: Data<AppState>,
    caller: Caller,
    operation: Option<OperationId>,
    review_id: PathId<ReviewId>,
    request: RequestBody<RejectReviewRequest>,
) -> Result<Json<ReviewAnsweredResponse>, ApiError> {
    let answer = Answer {
        decision: ReviewDecision::Rejected,
        comments: Some(request.0.reason),
        required_changes: Vec::new(),
        reviewer: caller.key_name(),
    };
    give(&state, operation, review_id.0, answer).await
}

/// A rejection.
#[derive(Debug, ToSchema)]
pub(crate) struct RejectReviewRequest {
    /// What is wrong; feedback for the next attempt.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    reason: String,
}

impl ReadBody for RejectReviewRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.required("reason", |node| node.text(1..=MOST_WORDS_CHARS))? })
    }
}
