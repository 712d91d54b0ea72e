//! `GET /projects/{project_id}/provenance/summary`: a project's records in numbers.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{SpendView, must_be_known};
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectRecords};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::projects::status::ProjectHealthView;
use crate::http::query::{NoParameters, Query};

/// Sums up a project's records
///
/// Whether they can be trusted, and what was spent: in total, on work that was rejected, and on work that was found
/// wrong later. A cost that is not known is not counted as nothing, but as unpriced.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/provenance/summary",
    tag = "provenance",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 200, description = "The numbers", body = ProvenanceSummaryResponse),
        NoSuchProjectRecords,
        CannotServe,
    )
)]
pub(crate) async fn summarize_provenance(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _: Query<NoParameters>,
) -> Result<Json<ProvenanceSummaryResponse>, ApiError> {
    let project_id = project_id.0;
    let summary = state.provenance.summarize_project(project_id.clone()).await?;
    if summary.spend.total.records == 0 {
        must_be_known(&state, &project_id).await?;
    }
    Ok(Json(ProvenanceSummaryResponse {
        project_id,
        health: summary.health.into(),
        spend: summary.spend.into(),
        by_tier: summary.by_tier.into_iter().map(|(tier, spend)| (tier, spend.into())).collect(),
    }))
}

/// A project's records in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProvenanceSummaryResponse {
    /// The project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Whether they can be trusted.
    health: ProjectHealthView,
    /// What they cost.
    spend: SpendView,
    /// What they cost, by tier; work of unknown tier is under the empty text.
    by_tier: BTreeMap<String, SpendView>,
}
