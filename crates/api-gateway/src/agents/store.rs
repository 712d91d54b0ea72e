//! SQL of the registry and nothing else.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::JsonObject;
use protocol::vocabulary::AgentStatus;
use protocol::{AgentId, TaskId};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{AgentFilter, Sightings};
use crate::schema::agents;
use crate::tasks::store::arrays::array_statement;
use crate::tasks::store::json::Json;

array_statement! {
    /// Agents that were seen.
    RecordSightings<'a> {
        agent_id: SqlUuid => Uuid,
        agent_type: Text => &'static str,
        status: Text => &'static str,
        resources: Jsonb => Json<&'a JsonObject>,
        current_task_id: Nullable<SqlUuid> => Option<Uuid>,
        first_seen_at: Timestamptz => DateTime<Utc>,
        last_heartbeat_at: Timestamptz => DateTime<Utc>,
        heartbeats: BigInt => i64,
    }
    before "INSERT INTO agents (agent_id, agent_type, status, resources, current_task_id, first_seen_at, \
        last_heartbeat_at, heartbeats) SELECT * FROM ";
    // What is not newer than what is known says nothing new; so a redelivery is not counted twice either.
    after "ON CONFLICT (agent_id, unnamed_type) DO UPDATE SET agent_type = excluded.agent_type, \
        status = excluded.status, resources = excluded.resources, current_task_id = excluded.current_task_id, \
        last_heartbeat_at = excluded.last_heartbeat_at, offline_since = NULL, \
        heartbeats = agents.heartbeats + excluded.heartbeats \
        WHERE agents.last_heartbeat_at < excluded.last_heartbeat_at";
}

/// Records a batch of heartbeats in one statement, rows in the batch's own order.
pub(crate) async fn record_sightings(
    mut conn: &AsyncPgConnection,
    sightings: &Sightings<'_>,
) -> QueryResult<()> {
    let mut statement = RecordSightings::default();
    for seen in sightings.iter() {
        let newest = seen.newest;
        statement.agent_id.push(newest.agent_id.as_uuid());
        statement.agent_type.push(newest.agent_type.as_str());
        statement.status.push(newest.status.as_str());
        statement.resources.push(Json(&newest.resources));
        statement.current_task_id.push(newest.current_task_id.map(TaskId::as_uuid));
        statement.first_seen_at.push(seen.first_at());
        statement.last_heartbeat_at.push(newest.at);
        statement.heartbeats.push(seen.count());
    }
    if statement.agent_id.is_empty() { Ok(()) } else { statement.execute(&mut conn).await.map(|_| ()) }
}

/// An agent's row as it is read back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = agents, check_for_backend(diesel::pg::Pg))]
pub(super) struct AgentRow {
    pub(super) agent_id: Uuid,
    pub(super) agent_type: String,
    pub(super) status: String,
    pub(super) resources: Json<Box<RawValue>>,
    pub(super) current_task_id: Option<Uuid>,
    pub(super) first_seen_at: DateTime<Utc>,
    pub(super) last_heartbeat_at: DateTime<Utc>,
}

/// Agents heard at `known_since` or later, the last heard first; those count as online that were heard at
/// `online_since` or later.
pub(super) async fn list_agents(
    conn: &mut AsyncPgConnection,
    filter: AgentFilter,
    known_since: DateTime<Utc>,
    online_since: DateTime<Utc>,
) -> QueryResult<Vec<AgentRow>> {
    let mut query = agents::table
        .filter(agents::last_heartbeat_at.ge(known_since))
        .order((agents::last_heartbeat_at.desc(), agents::agent_id, agents::agent_type))
        .select(AgentRow::as_select())
        .into_boxed();
    if let Some(agent_type) = filter.agent_type {
        query = query.filter(agents::agent_type.eq(agent_type.as_str()));
    }
    if let Some(status) = filter.status {
        let said_so = agents::status.eq(status.as_str());
        query = match status {
            AgentStatus::Offline => query.filter(said_so.or(agents::last_heartbeat_at.lt(online_since))),
            AgentStatus::Online | AgentStatus::Busy => {
                query.filter(said_so.and(agents::last_heartbeat_at.ge(online_since)))
            }
        };
    }
    query.load(conn).await
}

/// The agent of that id, if it was heard at `known_since` or later; of several without an id the last heard.
pub(super) async fn find_agent(
    conn: &mut AsyncPgConnection,
    id: AgentId,
    known_since: DateTime<Utc>,
) -> QueryResult<Option<AgentRow>> {
    agents::table
        .filter(agents::agent_id.eq(id.as_uuid()))
        .filter(agents::last_heartbeat_at.ge(known_since))
        .order(agents::last_heartbeat_at.desc())
        .select(AgentRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// An agent that fell silent.
#[derive(Debug, QueryableByName)]
pub(super) struct SilentRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) agent_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) agent_type: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) current_task_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct AnswerRow {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Whether [`mark_silent`] or [`claim_lost`] would find anything.
pub(super) async fn is_anybody_missed(
    conn: &mut AsyncPgConnection,
    silent_since: DateTime<Utc>,
) -> QueryResult<bool> {
    let row: AnswerRow = diesel::sql_query(
        "SELECT EXISTS ( \
            SELECT 1 FROM agents WHERE heartbeats >= 2 AND last_heartbeat_at < $1 AND ( \
                offline_since IS NULL \
                OR EXISTS (SELECT 1 FROM tasks WHERE worker_id = agents.agent_id::text \
                    AND phase = 'executing' AND work_type IS NOT NULL AND updated_at < $1) \
            )) AS answer",
    )
    .bind::<Timestamptz, _>(silent_since)
    .get_result(conn)
    .await?;
    Ok(row.answer)
}

/// Marks up to `limit` agents as offline that were heard more than once, last before `silent_since`, and that nobody
/// has marked yet or is hearing just now.
pub(super) async fn mark_silent(
    conn: &mut AsyncPgConnection,
    silent_since: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<SilentRow>> {
    diesel::sql_query(
        "UPDATE agents SET offline_since = $2 FROM ( \
            SELECT agent_id, unnamed_type FROM agents \
            WHERE offline_since IS NULL AND heartbeats >= 2 AND last_heartbeat_at < $1 \
            ORDER BY last_heartbeat_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED \
         ) silent \
         WHERE agents.agent_id = silent.agent_id AND agents.unnamed_type = silent.unnamed_type \
         RETURNING agents.agent_id, agents.agent_type, agents.current_task_id",
    )
    .bind::<Timestamptz, _>(silent_since)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// A task in the hands of an agent that is gone.
#[derive(Debug, QueryableByName)]
pub(super) struct LostRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) task_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) agent_id: Uuid,
}

/// Up to `limit` tasks of which nothing was heard since `silent_since`, neither about them nor from the agent that
/// holds them. The agents' rows stay locked, so that nobody hears or misses them meanwhile. What an agent without an
/// id holds is only known from its own words: its zeros say nothing.
pub(super) async fn claim_lost(
    conn: &mut AsyncPgConnection,
    silent_since: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<LostRow>> {
    diesel::sql_query(
        "SELECT held.task_id, agent.agent_id FROM tasks held \
         JOIN agents agent ON agent.agent_id::text = held.worker_id \
            AND (agent.unnamed_type = '' OR agent.current_task_id = held.task_id) \
         WHERE held.phase = 'executing' AND held.work_type IS NOT NULL AND held.updated_at < $1 \
            AND agent.heartbeats >= 2 AND agent.last_heartbeat_at < $1 \
         ORDER BY held.task_id LIMIT $2 FOR NO KEY UPDATE OF agent SKIP LOCKED",
    )
    .bind::<Timestamptz, _>(silent_since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// Forgets up to `limit` agents last heard before `before`; how many.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM agents WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM agents WHERE last_heartbeat_at < $1 \
            ORDER BY last_heartbeat_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}
