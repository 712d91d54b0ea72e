//! `GET /dead-letters`: what nobody could handle, queue by queue, the oldest of each first.

use actix_web::web::{Data, Json};
use protocol::TaskId;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::refusal;
use super::view::DeadLetterView;
use crate::dead_letters::{DeadLetterFilter, Deed, MOST_SHOWN, Selection};
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::DEFAULT_LIMIT;
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Most characters of a text that is looked for.
const MOST_CHARS: usize = 1_000;

/// Lists dead letters
///
/// Messages that a service could not handle, that workers or agents refused, or that nobody was bound for. Looking
/// changes nothing; letters that somebody else looks at or drives again at the same moment may be missing. Bodies are
/// shown only of the letters with a certain `id`.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters",
    tag = "operations",
    params(ListDeadLettersQuery),
    responses(
        (status = 200, description = "Dead letters", body = ListDeadLettersResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_dead_letters(
    state: Data<AppState>,
    query: Query<ListDeadLettersQuery>,
) -> Result<Json<ListDeadLettersResponse>, ApiError> {
    let ListDeadLettersQuery { id, queue, event, task_id, reason, limit } = query.0;
    if queue.as_ref().is_some_and(|queue| !state.dead_letters.knows(queue)) {
        let message = format!("must be one of {}", state.dead_letters.queues().join(", "));
        let field = crate::http::problem::FieldError { field: "queue".to_owned(), message };
        return Err(ApiError::invalid(vec![field]));
    }
    let filter = DeadLetterFilter { id, queue, event, task_id, reason, older_than_seconds: None };
    let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(MOST_SHOWN);
    let visited = state.dead_letters.visit(Selection::Filter(filter), Deed::Show(limit)).await;
    let report = visited.map_err(refusal)?;
    let now = state.clock.now();
    let dead_letters = report.letters.into_iter().map(|letter| DeadLetterView::of(letter, now)).collect();
    Ok(Json(ListDeadLettersResponse { dead_letters, truncated: report.truncated }))
}

/// Which dead letters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDeadLettersQuery {
    /// With this id; the answer has the body then.
    id: Option<String>,
    /// In this queue.
    queue: Option<String>,
    /// Of this event.
    event: Option<String>,
    /// About this task.
    #[param(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// With this text in their reason.
    reason: Option<String>,
    /// Most letters in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl ReadQuery for ListDeadLettersQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            id: parameters.text("id", 1..=MOST_CHARS),
            queue: parameters.text("queue", 1..=MOST_CHARS),
            event: parameters.text("event", 1..=MOST_CHARS),
            task_id: parameters.uuid("task_id"),
            reason: parameters.text("reason", 1..=MOST_CHARS),
            limit: parameters.integer("limit", 1..=u32::try_from(MOST_SHOWN).unwrap_or(DEFAULT_LIMIT)),
        })
    }
}

/// Dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListDeadLettersResponse {
    /// Queue by queue, the oldest of each first.
    dead_letters: Vec<DeadLetterView>,
    /// Whether there are more.
    truncated: bool,
}
