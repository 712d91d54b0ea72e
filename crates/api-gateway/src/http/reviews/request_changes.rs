//! `POST /reviews/{review_id}/request-changes`: the output is good once it is changed.

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

/// Most changes in one answer.
const MOST_CHANGES: usize = 100;

/// Asks for changes to what a review is about
///
/// The task's next attempt begins with the guidance and the changes as feedback, also when its usual number of
/// attempts is used up, up to three more (a setting).
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{review_id}/request-changes",
    tag = "reviews",
    params(("review_id" = String, Path, description = "The review", min_length = 1, max_length = 255)),
    request_body(content = RequestChangesRequest, examples(
        ("listed" = (value = json!({
            "guidance": "Nearly there", "required_changes": ["Name the unit", "Add a test for zero"]
        }))),
        ("short" = (value = json!({ "guidance": "Use the existing parser" }))),
    )),
    responses(
        (status = 200, description = "The answer is taken", body = ReviewAnsweredResponse,
            example = json!({ "review_id": "qa-readme-de-1", "status": "changes_requested",
                "message": "Attempt 2 of the task follows." })),
        NoSuchReviewOrBadAnswer,
        CannotServe,
    )
)]
pub(crate) async fn request_review_changes(
    state: Data<AppState>,
    caller: Caller,
    operation: Option<OperationId>,
    review_id: PathId<ReviewId>,
    request: RequestBody<RequestChangesRequest>,
) -> Result<Json<ReviewAnsweredResponse>, ApiError> {
    let answer = Answer {
        decision: ReviewDecision::ChangesRequested,
        comments: Some(request.0.guidance),
        required_changes: request.0.required_changes,
        reviewer: caller.key_name(),
    };
    give(&state, operation, review_id.0, answer).await
}

/// What is to be changed.
#[derive(Debug, ToSchema)]
pub(crate) struct RequestChangesRequest {
    /// What to do differently; feedback for the next attempt.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    guidance: String,
    /// Changes that must be made, one by one.
    #[schema(required = false, max_items = 100)]
    required_changes: Vec<String>,
}

impl ReadBody for RequestChangesRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let guidance = fields.required("guidance", |node| node.text(1..=MOST_WORDS_CHARS));
        let change = |node: crate::http::body::Node<'_>| node.text(1..=MOST_WORDS_CHARS);
        let required_changes =
            fields.optional("required_changes", |node| node.list(change)).unwrap_or_default();
        if required_changes.len() > MOST_CHANGES {
            fields.refuse("required_changes", format!("must have at most {MOST_CHANGES} items"));
        }
        Some(Self { guidance: guidance?, required_changes })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    #[test]
    fn every_bad_field_is_named() {
        let many = json!({ "guidance": "g", "required_changes": vec!["c"; 101] }).to_string();
        for (body, fields) in [
            ("{}", vec!["guidance"]),
            (
                r#"{"guidance":" ","required_changes":["",7]}"#,
                vec!["guidance", "required_changes[0]", "required_changes[1]"],
            ),
            (r#"{"guidance":"g","reason":"r"}"#, vec!["reason"]),
            (many.as_str(), vec!["required_changes"]),
        ] {
            let read = read_body::<RequestChangesRequest>(body.as_bytes(), &ConfiguredWords::default());
            assert_eq!(read.unwrap_err().fields(), fields, "{body}");
        }
    }
}
