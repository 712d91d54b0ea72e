//! `GET /agents`: a bare array, whole: agents are few, and those that are gone for a day are left out.

use actix_web::web::{Data, Json};
use protocol::vocabulary::{AgentStatus, AgentType};
use utoipa::IntoParams;

use super::view::AgentResponse;
use crate::agents::AgentFilter;
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::openapi::vocabulary::{AgentStatusWord, AgentTypeWord};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Lists agents
///
/// The last heard first. An agent is offline when it said so, or when nothing was heard of it for three minutes
/// (a setting).
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    tag = "agents",
    params(ListAgentsQuery),
    responses(
        (status = 200, description = "The agents", body = Vec<AgentResponse>),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_agents(
    state: Data<AppState>,
    query: Query<ListAgentsQuery>,
) -> Result<Json<Vec<AgentResponse>>, ApiError> {
    let agents = state.agents.list_agents(query.0.into()).await?;
    Ok(Json(agents.into_iter().map(Into::into).collect()))
}

/// Which agents.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAgentsQuery {
    /// Agents of this type.
    #[param(value_type = Option<AgentTypeWord>)]
    agent_type: Option<AgentType>,
    /// Agents in this status.
    #[param(value_type = Option<AgentStatusWord>)]
    status: Option<AgentStatus>,
}

impl ReadQuery for ListAgentsQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self { agent_type: parameters.parsed("agent_type"), status: parameters.parsed("status") })
    }
}

impl From<ListAgentsQuery> for AgentFilter {
    fn from(query: ListAgentsQuery) -> Self {
        Self { agent_type: query.agent_type, status: query.status }
    }
}
