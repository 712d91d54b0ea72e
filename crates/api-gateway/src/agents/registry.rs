//! The registry as its readers see it, and the settings it goes by.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use protocol::{AgentId, TaskId};
use service_runtime::database::StoreError;

use super::agent::status_now;
use super::store::{self, AgentRow};
use super::{Agent, AgentFilter, WorkTypes};
use crate::settings::AgentsSettings;
use crate::tasks::TaskService;
use crate::tasks::store::row::word;

/// Answers questions about agents. Cheap to clone.
#[derive(Clone)]
pub struct AgentRegistry {
    service: TaskService,
    online_for: TimeDelta,
    known_for: TimeDelta,
    work_types: WorkTypes,
}

impl AgentRegistry {
    /// The registry in the tasks' database.
    #[must_use]
    pub fn new(service: TaskService, settings: &AgentsSettings) -> Self {
        let whole = |seconds| TimeDelta::from_std(Duration::from_secs(seconds)).unwrap_or(TimeDelta::MAX);
        Self {
            service,
            online_for: whole(settings.online_seconds),
            known_for: whole(settings.forget_after_seconds),
            work_types: settings.work_types(),
        }
    }

    /// Which work goes to agents.
    #[must_use]
    pub const fn work_types(&self) -> &WorkTypes {
        &self.work_types
    }

    /// All agents that are not forgotten and fit the filter, the last heard first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_agents(&self, filter: AgentFilter) -> Result<Vec<Agent>, StoreError> {
        let (known_since, online_since) = (self.known_since(), self.online_since());
        let mut conn = self.service.connection().await?;
        let rows = store::list_agents(&mut conn, filter, known_since, online_since).await?;
        drop(conn);
        Ok(rows.into_iter().map(|row| shown(row, online_since)).collect::<QueryResult<_>>()?)
    }

    /// The agent of that id; `None` if it is not known, or forgotten.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find_agent(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        let row = store::find_agent(&mut *self.service.connection().await?, id, self.known_since()).await?;
        Ok(row.map(|row| shown(row, self.online_since())).transpose()?)
    }

    pub(crate) const fn service(&self) -> &TaskService {
        &self.service
    }

    /// Whoever was heard since then counts as online.
    pub(crate) fn online_since(&self) -> DateTime<Utc> {
        self.service.now() - self.online_for
    }

    /// Whoever was not heard since then is forgotten.
    pub(crate) fn known_since(&self) -> DateTime<Utc> {
        self.service.now() - self.known_for
    }
}

fn shown(row: AgentRow, online_since: DateTime<Utc>) -> QueryResult<Agent> {
    Ok(Agent {
        agent_id: AgentId(row.agent_id),
        agent_type: word("agent_type", &row.agent_type)?,
        status: status_now(word("status", &row.status)?, row.last_heartbeat_at, online_since),
        resources: row.resources.0,
        current_task_id: row.current_task_id.map(TaskId),
        first_seen_at: row.first_seen_at,
        last_heartbeat_at: row.last_heartbeat_at,
    })
}
