//! `GET /reviews`: the reviews that wait for a person, the most urgent first.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use protocol::vocabulary::Priority;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::view::ReviewSummaryView;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::openapi::vocabulary::PriorityWord;
use crate::http::page::{DEFAULT_LIMIT, FURTHEST_OFFSET, MOST_PER_PAGE};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::reviews::queries::{self, ReviewFilter};

/// Lists reviews that wait for an answer
///
/// The most urgent first, then the oldest. A review that was answered is no longer listed; it can be asked for by
/// its id.
#[utoipa::path(
    get,
    path = "/api/v1/reviews",
    tag = "reviews",
    params(ListReviewsQuery),
    responses(
        (status = 200, description = "Pending reviews", body = ListReviewsResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_reviews(
    state: Data<AppState>,
    query: Query<ListReviewsQuery>,
    caller: Caller,
) -> Result<Json<ListReviewsResponse>, ApiError> {
    let ListReviewsQuery { project_id, priority, limit, offset } = query.0;
    let (limit, offset) = (limit.unwrap_or(DEFAULT_LIMIT), offset.unwrap_or(0));
    let filter = ReviewFilter { project_id, within: caller.projects().map(<[ProjectId]>::to_vec), priority };
    let page = queries::list_reviews(&state.tasks, &filter, limit, offset).await?;
    let reviews = page.reviews.iter().map(Into::into).collect();
    Ok(Json(ListReviewsResponse { reviews, total: page.total, limit, offset }))
}

/// Which reviews.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListReviewsQuery {
    /// Of this project.
    #[param(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    /// Of this urgency.
    #[param(value_type = Option<PriorityWord>)]
    priority: Option<Priority>,
    /// Most reviews in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Reviews to leave out at the beginning.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
}

impl ReadQuery for ListReviewsQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            project_id: parameters.parsed("project_id"),
            priority: parameters.parsed("priority"),
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            offset: parameters.integer("offset", 0..=FURTHEST_OFFSET),
        })
    }
}

/// Reviews that wait for an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "reviews": [{
        "review_id": "qa-readme-de-1",
        "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
        "project_id": "docs-site",
        "attempt": 1,
        "type": "qa",
        "status": "pending",
        "priority": "high",
        "summary": "The judges disagree about the tone",
        "created_at": "2024-07-27T09:59:56.120994Z"
    }],
    "total": 1,
    "limit": 50,
    "offset": 0
}))]
pub(crate) struct ListReviewsResponse {
    /// The most urgent first, then the oldest.
    reviews: Vec<ReviewSummaryView>,
    /// How many there are on all pages.
    total: u64,
    /// Most reviews in a page.
    limit: u32,
    /// Where this page began.
    offset: u32,
}
