//! SQL of projects and their counters.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use protocol::ProjectId;
use protocol::vocabulary::Tier;

use super::counters::Deltas;
use crate::schema::{project_tiers, projects};
use crate::tasks::store::arrays::array_statement;
use crate::tasks::store::text::storable;

array_statement! {
    /// Projects that are made by their first task.
    InsertProjects<'a> {
        project_id: Text => &'a str,
    }
    before "INSERT INTO projects (project_id, name) SELECT new.id, new.id FROM ";
    after "AS new (id) ON CONFLICT (project_id) DO NOTHING";
}

array_statement! {
    /// Changes of counters, one row per project; tells in which of the projects tasks wait for a slot then. Rows are
    /// locked in the order of the ids before any is changed: an UPDATE that joins an array locks in the order of its
    /// plan, which nobody promises.
    UpdateCounters<'a> {
        project_id: Text => &'a str,
        active: BigInt => i64,
        waiting: BigInt => i64,
        pending: BigInt => i64,
        running: BigInt => i64,
        completed: BigInt => i64,
        failed: BigInt => i64,
        cancelled: BigInt => i64,
        execution_time_ms: BigInt => i64,
        tokens_input: BigInt => i64,
        tokens_output: BigInt => i64,
        last_activity_at: Timestamptz => DateTime<Utc>,
    }
    before "WITH held AS MATERIALIZED ( \
            SELECT project_id FROM projects WHERE project_id = ANY ($1) ORDER BY project_id FOR NO KEY UPDATE) \
        UPDATE projects SET active = active + a1, waiting = waiting + a2, pending = pending + a3, \
        running = running + a4, completed = completed + a5, failed = failed + a6, cancelled = cancelled + a7, \
        execution_time_ms = execution_time_ms + a8, tokens_input = tokens_input + a9, \
        tokens_output = tokens_output + a10, last_activity_at = greatest(last_activity_at, a11) FROM ";
    after "AS changed (id, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11) JOIN held ON held.project_id = changed.id \
        WHERE projects.project_id = changed.id \
        RETURNING projects.project_id, projects.waiting > 0";
    returns (Text, Bool);
}

array_statement! {
    /// Tasks that came to a tier, one row per project and tier.
    AddToTiers<'a> {
        project_id: Text => &'a str,
        tier: Text => Cow<'a, str>,
        tasks: BigInt => i64,
    }
    before "INSERT INTO project_tiers (project_id, tier, tasks) SELECT * FROM ";
    after "ON CONFLICT (project_id, tier) DO UPDATE SET tasks = project_tiers.tasks + excluded.tasks";
}

array_statement! {
    /// Tasks that left a tier. The row is there: they were counted when they came.
    TakeFromTiers<'a> {
        project_id: Text => &'a str,
        tier: Text => Cow<'a, str>,
        tasks: BigInt => i64,
    }
    before "UPDATE project_tiers known SET tasks = known.tasks - gone.tasks FROM ";
    after "AS gone (project_id, tier, tasks) \
        WHERE known.project_id = gone.project_id AND known.tier = gone.tier";
}

/// Makes those of the projects that do not exist yet.
pub(crate) async fn insert_missing_projects(
    conn: &mut AsyncPgConnection,
    ids: &[&ProjectId],
) -> QueryResult<()> {
    let statement = InsertProjects { project_id: ids.iter().map(|id| id.as_str()).collect() };
    statement.execute(conn).await.map(|_| ())
}

/// What admission needs to know of a project.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SlotsRow {
    pub(crate) project_id: String,
    pub(crate) max_concurrent: Option<i32>,
    pub(crate) active: i64,
    pub(crate) waiting: i64,
    pub(crate) paused_at: Option<DateTime<Utc>>,
}

impl SlotsRow {
    /// Slots that are free under the project's own limit, or the given one; none while it is paused.
    pub(crate) fn free(&self, default_limit: u32) -> i64 {
        if self.paused_at.is_some() {
            return 0;
        }
        (self.limit(default_limit) - self.active).max(0)
    }

    /// Slots that there are.
    pub(crate) fn limit(&self, default_limit: u32) -> i64 {
        self.max_concurrent.map_or(i64::from(default_limit), i64::from)
    }
}

/// Those of the projects that exist, locked until the end of the transaction, in the order of their ids.
pub(crate) async fn lock_projects(
    conn: &mut AsyncPgConnection,
    ids: &[&ProjectId],
) -> QueryResult<Vec<SlotsRow>> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    projects::table
        .filter(projects::project_id.eq_any(ids))
        .order(projects::project_id)
        .for_no_key_update()
        .select(SlotsRow::as_select())
        .load(conn)
        .await
}

/// The project's slots, if there is such a project.
pub(crate) async fn find_slots(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
) -> QueryResult<Option<SlotsRow>> {
    projects::table.find(project.as_str()).select(SlotsRow::as_select()).first(conn).await.optional()
}

/// Slots that tasks were promised without holding the projects' rows.
#[derive(Debug, Clone)]
pub(crate) struct UnconfirmedSlots {
    /// Tasks that a project may run at once if it does not say.
    pub(crate) default_limit: u32,
    /// Tiers that nothing was promised for.
    pub(crate) paused_tiers: Vec<Tier>,
}

struct ConfirmSlots<'a> {
    projects: Vec<&'a str>,
    default_limit: i64,
    paused_tiers: Vec<&'a str>,
}

impl QueryFragment<Pg> for ConfirmSlots<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT give_up('serialization_failure', 'slots were taken by others at the same time') \
             WHERE EXISTS (SELECT FROM projects WHERE project_id = ANY (",
        );
        out.push_bind_param::<Array<Text>, _>(&self.projects)?;
        out.push_sql(") AND (paused_at IS NOT NULL OR active > coalesce(max_concurrent, ");
        out.push_bind_param::<BigInt, _>(&self.default_limit)?;
        out.push_sql("))) OR EXISTS (SELECT FROM paused_tiers WHERE tier <> ALL (");
        out.push_bind_param::<Array<Text>, _>(&self.paused_tiers)?;
        out.push_sql("))");
        Ok(())
    }
}

/// The text is the same for every batch, so a connection prepares it once.
impl QueryId for ConfirmSlots<'_> {
    type QueryId = ConfirmSlots<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for ConfirmSlots<'_> {}

/// Fails if one of the projects has given away more slots than it has, or is paused, or a tier is paused that was not
/// known to be. Behind [`add_to_counters`], which holds the projects' rows: nobody else takes a slot or pauses them
/// before the end of the transaction.
///
/// # Errors
/// A serialization failure, besides what the database tells.
pub(crate) async fn confirm_slots(
    mut conn: &AsyncPgConnection,
    deltas: &Deltas,
    slots: &UnconfirmedSlots,
) -> QueryResult<()> {
    if deltas.0.is_empty() {
        return Ok(());
    }
    let statement = ConfirmSlots {
        projects: deltas.0.keys().map(ProjectId::as_str).collect(),
        default_limit: slots.default_limit.into(),
        paused_tiers: slots.paused_tiers.iter().map(Tier::as_str).collect(),
    };
    statement.execute(&mut conn).await.map(|_| ())
}

/// Every project in which tasks wait for a slot.
pub(crate) async fn list_waiting_projects(conn: &mut AsyncPgConnection) -> QueryResult<Vec<SlotsRow>> {
    projects::table.filter(projects::waiting.gt(0)).select(SlotsRow::as_select()).load(conn).await
}

/// Adds to the counters; gives the projects in which tasks wait for a slot then. The counters by tier need no order of
/// their own, because they are only touched under their project's lock.
pub(crate) async fn add_to_counters(
    conn: &AsyncPgConnection,
    deltas: &Deltas,
    now: DateTime<Utc>,
) -> QueryResult<BTreeSet<String>> {
    if deltas.0.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (with_queue, ()) = try_join!(update_counters(conn, deltas, now), update_tiers(conn, deltas))?;
    Ok(with_queue)
}

async fn update_counters(
    mut conn: &AsyncPgConnection,
    deltas: &Deltas,
    now: DateTime<Utc>,
) -> QueryResult<BTreeSet<String>> {
    let mut statement = UpdateCounters::default();
    for (project, delta) in &deltas.0 {
        let [pending, running, completed, failed, cancelled] = delta.by_status;
        statement.project_id.push(project.as_str());
        statement.active.push(delta.active);
        statement.waiting.push(delta.waiting);
        statement.pending.push(pending);
        statement.running.push(running);
        statement.completed.push(completed);
        statement.failed.push(failed);
        statement.cancelled.push(cancelled);
        statement.execution_time_ms.push(delta.execution_time_ms);
        statement.tokens_input.push(delta.tokens_input);
        statement.tokens_output.push(delta.tokens_output);
        statement.last_activity_at.push(now);
    }
    let counted: Vec<(String, bool)> = statement.load(&mut conn).await?;
    Ok(counted.into_iter().filter_map(|(project, has_queue)| has_queue.then_some(project)).collect())
}

async fn update_tiers(conn: &AsyncPgConnection, deltas: &Deltas) -> QueryResult<()> {
    let (mut come, mut gone) = (AddToTiers::default(), TakeFromTiers::default());
    for (project, delta) in &deltas.0 {
        for (tier, &count) in &delta.tiers {
            if count > 0 {
                come.project_id.push(project.as_str());
                come.tier.push(storable(tier));
                come.tasks.push(count);
            } else if count < 0 {
                gone.project_id.push(project.as_str());
                gone.tier.push(storable(tier));
                gone.tasks.push(-count);
            }
        }
    }
    let coming = async |mut conn: &AsyncPgConnection| {
        if come.tasks.is_empty() { Ok(0) } else { come.execute(&mut conn).await }
    };
    let going = async |mut conn: &AsyncPgConnection| {
        if gone.tasks.is_empty() { Ok(0) } else { gone.execute(&mut conn).await }
    };
    try_join!(coming(conn), going(conn)).map(|_| ())
}

/// A project's counters as they are read back.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
pub(crate) struct CountersRow {
    pub(crate) max_concurrent: Option<i32>,
    pub(crate) active: i64,
    pub(crate) pending: i64,
    pub(crate) running: i64,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) cancelled: i64,
    pub(crate) execution_time_ms: i64,
    pub(crate) tokens_input: i64,
    pub(crate) tokens_output: i64,
    pub(crate) last_activity_at: Option<DateTime<Utc>>,
}

/// A project's counters; `None` for a project that does not exist.
pub(crate) async fn find_counters(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
) -> QueryResult<Option<CountersRow>> {
    projects::table.find(project.as_str()).select(CountersRow::as_select()).first(conn).await.optional()
}

/// A project's tasks by tier; tiers without any are left out.
pub(crate) async fn list_tier_counters(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
) -> QueryResult<Vec<(String, i64)>> {
    project_tiers::table
        .filter(project_tiers::project_id.eq(project.as_str()))
        .filter(project_tiers::tasks.gt(0))
        .select((project_tiers::tier, project_tiers::tasks))
        .load(conn)
        .await
}
