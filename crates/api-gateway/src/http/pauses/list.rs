//! `GET /tiers`: the tiers of this installation, and which of them are paused.

use std::collections::HashMap;

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::tier::TierPauseResponse;
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::Part;
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::pauses;

/// Lists the tiers
///
/// By rising ability.
#[utoipa::path(
    get,
    path = "/api/v1/tiers",
    tag = "operations",
    params(Part),
    responses((status = 200, description = "The tiers", body = ListTiersResponse), BadQuery, CannotServe)
)]
pub(crate) async fn list_tiers(
    state: Data<AppState>,
    part: Query<Part>,
) -> Result<Json<ListTiersResponse>, ApiError> {
    let mut paused: HashMap<_, _> = pauses::list_paused_tiers(&state.tasks).await?.into_iter().collect();
    let tiers = part.0.of(state.tasks.rules().tiers.clone());
    let tiers = tiers.into_iter().map(|tier| {
        let paused = paused.remove(&tier).map(Into::into);
        TierPauseResponse { tier, paused }
    });
    Ok(Json(ListTiersResponse { tiers: tiers.collect() }))
}

/// The tiers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListTiersResponse {
    /// By rising ability.
    tiers: Vec<TierPauseResponse>,
}
