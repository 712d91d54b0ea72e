//! `GET /reviews/{review_id}`: one review with what a person needs to answer it.

use actix_web::web::{Data, Json};

use super::no_such_review;
use super::view::ReviewResponse;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchReview};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::reviews::{ReviewId, queries};

/// Shows a review
///
/// Also one that was answered. Of several reviews that QA gave the same id, the one that waits for an answer, else
/// the newest.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/{review_id}",
    tag = "reviews",
    params(("review_id" = String, Path, description = "The review", min_length = 1, max_length = 255)),
    responses(
        (status = 200, description = "The review", body = ReviewResponse),
        NoSuchReview,
        CannotServe,
    )
)]
pub(crate) async fn get_review(
    state: Data<AppState>,
    review_id: PathId<ReviewId>,
    _: Query<NoParameters>,
) -> Result<Json<ReviewResponse>, ApiError> {
    let id = review_id.0;
    let (review, task) = queries::find_review(&state.tasks, &id).await?.ok_or_else(|| no_such_review(&id))?;
    Ok(Json(ReviewResponse::of(review, &task)))
}
