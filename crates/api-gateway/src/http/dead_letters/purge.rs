//! `POST /dead-letters/purge`: away for good.

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

/// Deletes dead letters
///
/// For good: `confirm` must be `true`, unless `dry_run` is.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/purge",
    tag = "operations",
    request_body(content = PurgeDeadLettersRequest, examples(
        ("trial" = (summary = "What would be deleted", value = json!({
            "filter": { "queue": "dats.unrouted" }, "dry_run": true
        }))),
        ("old" = (summary = "What is older than a month", value = json!({
            "filter": { "older_than_seconds": 2_592_000 }, "confirm": true
        }))),
    )),
    responses(
        (status = 200, description = "What was done, or would be", body = DeadLettersDoneResponse),
        BadBody,
        CannotServe,
    )
)]
pub(crate) async fn purge_dead_letters(
    state: Data<AppState>,
    request: RequestBody<PurgeDeadLettersRequest>,
) -> Result<Json<DeadLettersDoneResponse>, ApiError> {
    let PurgeDeadLettersRequest { ids, filter, confirm, dry_run } = request.0;
    let deed = if confirm && !dry_run { Deed::Purge } else { Deed::Count };
    let report = state.dead_letters.visit(selection(ids, filter), deed).await.map_err(refusal)?;
    Ok(Json(DeadLettersDoneResponse::of(report, dry_run, state.clock.now())))
}

/// What is to be deleted: either `ids` or `filter`.
#[derive(Debug, ToSchema)]
pub(crate) struct PurgeDeadLettersRequest {
    /// The letters with these ids.
    #[schema(max_items = 1000)]
    ids: Option<Vec<String>>,
    /// The letters with these properties; an empty filter means all of them.
    filter: Option<DeadLetterFilterRequest>,
    /// That it is meant: must be `true` unless `dry_run` is.
    #[schema(required = false)]
    confirm: bool,
    /// Only tell what would be done.
    #[schema(required = false)]
    dry_run: bool,
}

impl ReadBody for PurgeDeadLettersRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let dry_run = fields.optional("dry_run", |node| node.flag()).unwrap_or(false);
        let confirm = fields.optional("confirm", |node| node.flag()).unwrap_or(false);
        if !confirm && !dry_run {
            fields.refuse("confirm", "must be true: what is deleted is gone for good");
        }
        let (ids, filter) = read_choice(fields)?;
        Some(Self { ids, filter, confirm, dry_run })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    #[test]
    fn nothing_is_deleted_without_confirmation() {
        let read = |body: &str| {
            read_body::<PurgeDeadLettersRequest>(body.as_bytes(), &ConfiguredWords::default())
                .map(|request| request.dry_run)
                .map_err(|error| error.fields())
        };
        assert_eq!(read(r#"{"filter":{}}"#).unwrap_err(), ["confirm"]);
        assert_eq!(read(r#"{"filter":{},"confirm":false}"#).unwrap_err(), ["confirm"]);
        assert!(read(r#"{"filter":{},"dry_run":true}"#).unwrap());
        assert!(!read(r#"{"filter":{},"confirm":true}"#).unwrap());
    }
}
