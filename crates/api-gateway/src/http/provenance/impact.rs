//! `GET /provenance/{id}/impact`: everything that an artifact has an effect on, also on work that is under way.

use actix_web::web::{Data, Json};
use protocol::provenance_query::graph::{ImpactQuery, ImpactView};
use protocol::{ProjectId, TaskId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::no_such_artifact;
use super::reached::MOST_DEPTH;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadQuery};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::tasks::queries;

/// Shows what an artifact has an effect on
///
/// The artifacts that were built on it, each once and nearest first, their projects, and the tasks that have not
/// ended and made, use or wait for any of it.
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/impact",
    tag = "provenance",
    params(
        ("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
            max_length = 255),
        ImpactParameters,
    ),
    responses(
        (status = 200, description = "The impact", body = ImpactResponse),
        NoSuchArtifactOrBadQuery,
        CannotServe,
    )
)]
pub(crate) async fn get_impact(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    query: Query<ImpactParameters>,
) -> Result<Json<ImpactResponse>, ApiError> {
    let query = ImpactQuery { id: id.0.0, max_depth: query.0.max_depth };
    let impact = state
        .provenance
        .within(caller.projects())
        .analyze_impact(query)
        .await?
        .ok_or_else(no_such_artifact)?;
    let artifacts = impact.transitive_dependents.iter().chain([&impact.artifact_id]);
    let tasks_in_flight =
        queries::list_in_flight(&state.tasks, artifacts, &impact.tasks, caller.projects()).await?;
    Ok(Json(ImpactResponse::of(impact, tasks_in_flight)))
}

/// How far to go.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImpactParameters {
    /// Most edges to follow.
    #[param(minimum = 1, maximum = 100_000)]
    max_depth: Option<u32>,
}

impl ReadQuery for ImpactParameters {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self { max_depth: parameters.integer("max_depth", 1..=MOST_DEPTH) })
    }
}

/// What an artifact has an effect on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImpactResponse {
    /// The artifact; of a record with several the main one.
    artifact_id: String,
    /// Ids of artifacts that were built on it.
    direct_dependents: Vec<String>,
    /// Ids of artifacts that were built on it, on these, and so on; the direct ones among them.
    transitive_dependents: Vec<String>,
    /// How many these are.
    total_affected: u64,
    /// Edges to the furthest of them.
    max_depth: u32,
    /// Their projects.
    #[schema(value_type = Vec<String>)]
    projects: Vec<ProjectId>,
    /// Tasks that have not ended and made, use or wait for any of it.
    #[schema(value_type = Vec<Uuid>)]
    tasks_in_flight: Vec<TaskId>,
    /// Whether a limit of depth or size left something out.
    truncated: bool,
}

impl ImpactResponse {
    fn of(impact: ImpactView, tasks_in_flight: Vec<TaskId>) -> Self {
        Self {
            artifact_id: impact.artifact_id,
            direct_dependents: impact.direct_dependents,
            transitive_dependents: impact.transitive_dependents,
            total_affected: impact.total_affected,
            max_depth: impact.max_depth,
            projects: impact.projects,
            tasks_in_flight,
            truncated: impact.truncated,
        }
    }
}
