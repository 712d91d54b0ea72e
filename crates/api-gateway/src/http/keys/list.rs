//! `GET /keys`: all keys, newest first, the revoked ones too.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::view::KeyView;
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::{DEFAULT_LIMIT, FURTHEST_OFFSET, MOST_PER_PAGE};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Lists API keys
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "access",
    params(ListKeysQuery),
    responses(
        (status = 200, description = "A page of keys", body = ListKeysResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_keys(
    state: Data<AppState>,
    query: Query<ListKeysQuery>,
) -> Result<Json<ListKeysResponse>, ApiError> {
    let limit = query.0.limit.unwrap_or(DEFAULT_LIMIT);
    let offset = query.0.offset.unwrap_or(0);
    let page = state.access.keys.list_keys(limit, offset).await?;
    let keys = page.keys.into_iter().map(KeyView::from).collect();
    Ok(Json(ListKeysResponse { keys, total: page.total, limit, offset }))
}

/// Which page.
#[derive(Debug, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListKeysQuery {
    /// Most keys in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Keys to leave out at the beginning.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
}

impl ReadQuery for ListKeysQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            offset: parameters.integer("offset", 0..=FURTHEST_OFFSET),
        })
    }
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListKeysResponse {
    /// Newest first.
    keys: Vec<KeyView>,
    /// All keys, on all pages.
    total: u64,
    /// Most keys in a page.
    limit: u32,
    /// Where this page began.
    offset: u32,
}
