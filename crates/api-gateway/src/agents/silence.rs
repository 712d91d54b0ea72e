//! What follows when an agent falls silent: everybody is told, and the task in its hands gets another attempt. Safe
//! beside the same on other replicas: rows are claimed, and a task that moved on meanwhile is left alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::outbox::{self, OutboxEntry};
use protocol::events::AgentOffline;
use protocol::{AgentId, Event, TaskId};
use service_runtime::database::StoreError;

use super::AgentRegistry;
use super::store::{self, SilentRow, claim_lost, mark_silent};
use crate::tasks::changes::{Cause, ChangeSet, Committed, SOURCE};
use crate::tasks::lifecycle::{Input, Rules};
use crate::tasks::store::read::lock_tasks;
use crate::tasks::store::row::word;

/// Most agents, and most tasks, of one transaction.
pub(crate) const BATCH: i64 = 200;

/// What one look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Agents that fell silent.
    pub(crate) silent: usize,
    /// Tasks that were in the hands of silent agents.
    pub(crate) lost: usize,
}

/// Whether there is anything to do. It takes less than a look, and holds nobody up.
pub(crate) async fn is_anybody_missed(registry: &AgentRegistry) -> Result<bool, StoreError> {
    let mut conn = registry.service().connection().await?;
    Ok(store::is_anybody_missed(&mut conn, registry.online_since()).await?)
}

/// Announces agents that fell silent and takes back what silent agents hold, up to a batch of each.
pub(crate) async fn look_after_silent_agents(registry: &AgentRegistry) -> Result<Found, StoreError> {
    let service = registry.service();
    let (now, silent_since) = (service.now(), registry.online_since());
    let mut conn = service.connection().await?;
    let (found, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let offline = announce(conn, silent_since, now).await?;
            let (lost, mut committed) = take_back(conn, service.rules(), silent_since, now).await?;
            let found = Found { silent: offline.len(), lost };
            committed.events.extend(offline);
            Ok((found, committed))
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(found)
}

async fn announce(
    conn: &mut AsyncPgConnection,
    silent_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let silent = mark_silent(conn, silent_since, now, BATCH).await?;
    let entries: Vec<_> = silent.into_iter().map(|row| offline(row, now)).collect::<QueryResult<_>>()?;
    if !entries.is_empty() {
        outbox::insert(conn, &entries).await?;
    }
    Ok(entries)
}

fn offline(row: SilentRow, now: DateTime<Utc>) -> QueryResult<OutboxEntry> {
    let data = AgentOffline {
        agent_id: AgentId(row.agent_id),
        agent_type: word("agent_type", &row.agent_type)?,
        current_task_id: row.current_task_id.map(TaskId),
        timestamp: now.into(),
    };
    OutboxEntry::from_event(&Event::new(SOURCE, now, data))
        .map_err(|error| DieselError::SerializationError(error.into()))
}

async fn take_back(
    conn: &mut AsyncPgConnection,
    rules: &Rules,
    silent_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<(usize, Committed)> {
    let lost: BTreeMap<TaskId, AgentId> = claim_lost(conn, silent_since, BATCH)
        .await?
        .into_iter()
        .map(|row| (TaskId(row.task_id), AgentId(row.agent_id)))
        .collect();
    let ids: Vec<TaskId> = lost.keys().copied().collect();
    let locked = if ids.is_empty() { Vec::new() } else { lock_tasks(conn, &ids).await? };
    let mut changes = ChangeSet::new(rules, now, locked);
    for (&task_id, agent_id) in &lost {
        // Something may have been heard of it before its row was locked.
        if changes.task(task_id).is_some_and(|task| task.updated_at < silent_since) {
            let lost = Input::AgentLost { agent_id: agent_id.to_string() };
            changes.apply(task_id, &lost, &Cause::ours("agent.lost"))?;
        }
    }
    Ok((lost.len(), changes.write(conn).await?))
}
