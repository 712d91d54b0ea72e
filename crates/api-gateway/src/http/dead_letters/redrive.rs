//! `POST /dead-letters/redrive`: back into the queues where they belong.

use actix_web::web::{Data, Json};
use utoipa::ToSchema;

use super::refusal;
use super::selection::{DeadLetterFilterRequest, read_choice, selection};
use super::view::DeadLettersDoneResponse;
use crate::dead_letters::Deed;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{BadBody, CannotServe};
use crate::http::problem::ApiError;

/// Drives dead letters again
///
/// Each chosen letter goes back into the queue where it belongs, under its own message id and with its failures
/// forgotten, and is taken out of the dead letters once the broker has confirmed it. Asking twice does no harm: what
/// went back is not there any more, and an event that was applied before changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/redrive",
    tag = "operations",
    request_body(content = RedriveDeadLettersRequest, examples(
        ("trial" = (summary = "What would be driven again", value = json!({
            "filter": { "queue": "orchestration-events.dead", "event": "task.output.created" }, "dry_run": true
        }))),
        ("chosen" = (summary = "Certain letters", value = json!({
            "ids": ["0190f3a1-0000-7000-8000-000000000001"]
        }))),
    )),
    responses(
        (status = 200, description = "What was done, or would be", body = DeadLettersDoneResponse),
        BadBody,
        CannotServe,
    )
)]
pub(crate) async fn redrive_dead_letters(
    state: Data<AppState>,
    request: RequestBody<RedriveDeadLettersRequest>,
) -> Result<Json<DeadLettersDoneResponse>, ApiError> {
    let RedriveDeadLettersRequest { ids, filter, dry_run } = request.0;
    let deed = if dry_run { Deed::Count } else { Deed::Redrive };
    let report = state.dead_letters.visit(selection(ids, filter), deed).await.map_err(refusal)?;
    Ok(Json(DeadLettersDoneResponse::of(report, dry_run, state.clock.now())))
}

/// What is to be driven again: either `ids` or `filter`.
#[derive(Debug, ToSchema)]
pub(crate) struct RedriveDeadLettersRequest {
    /// The letters with these ids.
    #[schema(max_items = 1000)]
    ids: Option<Vec<String>>,
    /// The letters with these properties; an empty filter means all of them.
    filter: Option<DeadLetterFilterRequest>,
    /// Only tell what would be done.
    #[schema(required = false)]
    dry_run: bool,
}

impl ReadBody for RedriveDeadLettersRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let dry_run = fields.optional("dry_run", |node| node.flag()).unwrap_or(false);
        let (ids, filter) = read_choice(fields)?;
        Some(Self { ids, filter, dry_run })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    #[test]
    fn every_bad_field_is_named() {
        for (body, fields) in [
            ("{}", vec!["ids"]),
            (r#"{"ids":["m"],"filter":{}}"#, vec!["filter"]),
            (r#"{"ids":[7,""]}"#, vec!["ids[0]", "ids[1]", "ids"]),
            (
                r#"{"filter":{"task_id":"x","colour":1},"dry_run":"yes"}"#,
                vec!["dry_run", "filter.task_id", "filter.colour"],
            ),
        ] {
            let read = read_body::<RedriveDeadLettersRequest>(body.as_bytes(), &ConfiguredWords::default());
            assert_eq!(read.unwrap_err().fields(), fields, "{body}");
        }
    }
}
