//! `POST /tiers/{tier}/pause` and `/resume`: whether tasks that are known to go to a tier are released.

use actix_web::web::{Data, Json};
use protocol::vocabulary::Tier;
use serde::Serialize;
use utoipa::ToSchema;

use super::{PauseView, ReasonRequest};
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::OptionalBody;
use crate::http::openapi::answers::{CannotServe, NoSuchTierOrBadBody};
use crate::http::openapi::vocabulary::TierWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::pauses::{self, PauseRequest};

/// Pauses a tier
///
/// No task comes into its queue any more. Who pins the tier, or was routed there before, is not released; who is found
/// to go there by routing waits from then on. Tasks that were released before the pause are routed and worked on.
#[utoipa::path(
    post,
    path = "/api/v1/tiers/{tier}/pause",
    tag = "operations",
    params(("tier" = TierWord, Path, description = "The tier")),
    request_body(content = Option<ReasonRequest>, examples(
        ("reasoned" = (value = json!({ "reason": "Its machines are being replaced" }))),
    )),
    responses(
        (status = 200, description = "The tier is paused", body = TierPauseResponse),
        NoSuchTierOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn pause_tier(
    state: Data<AppState>,
    caller: Caller,
    tier: PathId<Tier>,
    request: OptionalBody<ReasonRequest>,
) -> Result<Json<TierPauseResponse>, ApiError> {
    let tier = known(&state, tier.0)?;
    let pause = pauses::pause_tier(&state.tasks, &tier, &PauseRequest::of(&caller, request.0)).await?;
    Ok(Json(TierPauseResponse { tier, paused: Some(pause.into()) }))
}

/// Resumes a tier
///
/// Resuming a tier that is not paused is no error.
#[utoipa::path(
    post,
    path = "/api/v1/tiers/{tier}/resume",
    tag = "operations",
    params(("tier" = TierWord, Path, description = "The tier")),
    request_body(content = Option<ReasonRequest>, examples(("bare" = (value = json!({}))))),
    responses(
        (status = 200, description = "The tier is not paused", body = TierPauseResponse),
        NoSuchTierOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn resume_tier(
    state: Data<AppState>,
    tier: PathId<Tier>,
    _request: OptionalBody<ReasonRequest>,
) -> Result<Json<TierPauseResponse>, ApiError> {
    let tier = known(&state, tier.0)?;
    pauses::resume_tier(&state.tasks, &tier).await?;
    Ok(Json(TierPauseResponse { tier, paused: None }))
}

/// A tier that this installation has.
fn known(state: &AppState, tier: Tier) -> Result<Tier, ApiError> {
    let tiers = &state.tasks.rules().tiers;
    if tiers.contains(&tier) {
        return Ok(tier);
    }
    let words: Vec<&str> = tiers.iter().map(Tier::as_str).collect();
    Err(ApiError::invalid_identifier("tier", format!("must be one of {}", words.join(", "))))
}

/// Whether tasks that are known to go to a tier are released.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TierPauseResponse {
    /// The tier.
    #[schema(value_type = TierWord)]
    pub(super) tier: Tier,
    /// Why and since when they are not; `null` when they are.
    pub(super) paused: Option<PauseView>,
}
