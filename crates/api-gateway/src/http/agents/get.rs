//! `GET /agents/{agent_id}`: one agent.

use actix_web::web::{Data, Json};
use protocol::{AgentId, ErrorCode};

use super::view::AgentResponse;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchAgent};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};

/// Shows an agent
///
/// Of several agents that send zeros for an id, the one heard last.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent_id}",
    tag = "agents",
    params(("agent_id" = Uuid, Path, description = "The agent")),
    responses(
        (status = 200, description = "The agent", body = AgentResponse),
        NoSuchAgent,
        CannotServe,
    )
)]
pub(crate) async fn get_agent(
    state: Data<AppState>,
    agent_id: PathId<AgentId>,
    _: Query<NoParameters>,
) -> Result<Json<AgentResponse>, ApiError> {
    let agent_id = agent_id.0;
    let unknown = || ApiError::new(ErrorCode::AgentNotFound, format!("there is no agent {agent_id}"));
    Ok(Json(state.agents.find_agent(agent_id).await?.ok_or_else(unknown)?.into()))
}
