//! `POST /reviews/{review_id}/approve`: the output is good.

use actix_web::web::{Data, Json};
use protocol::vocabulary::ReviewDecision;
use utoipa::ToSchema;

use super::answer::{MOST_WORDS_CHARS, give};
use super::view::ReviewAnsweredResponse;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchReviewOrBadAnswer};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::reviews::{Answer, ReviewId};

/// Approves what a review is about
///
/// The task is completed. A review takes one answer: of several the first counts, the others are refused.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{review_id}/approve",
    tag = "reviews",
    params(("review_id" = String, Path, description = "The review", min_length = 1, max_length = 255)),
    request_body(content = Option<ApproveReviewRequest>, examples(
        ("commented" = (value = json!({ "comments": "Well done" }))),
        ("bare" = (value = json!({}))),
    )),
    responses(
        (status = 200, description = "The answer is taken", body = ReviewAnsweredResponse),
        NoSuchReviewOrBadAnswer,
        CannotServe,
    )
)]
pub(crate) async fn approve_review(
    state: Data<AppState>,
    caller: Caller,
    operation: Option<OperationId>,
    review_id: PathId<ReviewId>,
    request: OptionalBody<ApproveReviewRequest>,
) -> Result<Json<ReviewAnsweredResponse>, ApiError> {
    let answer = Answer {
        decision: ReviewDecision::Approved,
        comments: request.0.and_then(|request| request.comments),
        required_changes: Vec::new(),
        reviewer: caller.key_name(),
    };
    give(&state, operation, review_id.0, answer).await
}

/// An approval.
#[derive(Debug, ToSchema)]
pub(crate) struct ApproveReviewRequest {
    /// What else there is to say.
    #[schema(max_length = 10_000)]
    comments: Option<String>,
}

impl ReadBody for ApproveReviewRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { comments: fields.optional("comments", |node| node.text(0..=MOST_WORDS_CHARS)) })
    }
}
