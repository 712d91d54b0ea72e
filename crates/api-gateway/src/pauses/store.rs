//! SQL of pauses, and the lock that releases share and a pause of a tier takes alone.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::expression::ValidGrouping;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::vocabulary::Tier;

use super::{Pause, PauseRequest};
use crate::schema::{paused_tiers, projects};

/// Number of the advisory lock; any that nothing else in this database uses.
const RELEASES: i64 = 0x6461_7473_0001;

/// The tiers that are paused; none is paused before the end of the transaction that the answer does not name. To be
/// asked before any project's row is locked.
pub(crate) async fn list_paused_for_release(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Tier>> {
    // Two statements: the second one sees what was paused while the first waited.
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock_shared($1)");
    lock.bind::<BigInt, _>(RELEASES).execute(conn).await?;
    let tiers: Vec<String> = paused_tiers::table.select(paused_tiers::tier).load(conn).await?;
    Ok(tiers.into_iter().map(Tier::from).collect())
}

/// The lock of [`list_paused_for_release`], for a statement that reads something else. What that statement sees may be
/// older than the lock: whoever uses this looks at the tiers again before the commit.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub(crate) struct HoldOffPauses;

impl Expression for HoldOffPauses {
    type SqlType = Text;
}

impl QueryFragment<Pg> for HoldOffPauses {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("pg_advisory_xact_lock_shared(");
        out.push_bind_param::<BigInt, _>(&RELEASES)?;
        out.push_sql(")::text");
        Ok(())
    }
}

impl<Source> AppearsOnTable<Source> for HoldOffPauses {}
impl<Source> SelectableExpression<Source> for HoldOffPauses {}

/// The tiers that are paused, for a statement that reads something else.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub(crate) struct PausedTiers;

impl Expression for PausedTiers {
    type SqlType = Array<Text>;
}

impl QueryFragment<Pg> for PausedTiers {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("ARRAY(SELECT tier FROM paused_tiers)");
        Ok(())
    }
}

impl<Source> AppearsOnTable<Source> for PausedTiers {}
impl<Source> SelectableExpression<Source> for PausedTiers {}

/// Waits for the releases that are under way, and keeps others waiting until the end of the transaction.
pub(super) async fn await_releases(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock($1)");
    lock.bind::<BigInt, _>(RELEASES).execute(conn).await.map(|_| ())
}

#[derive(Queryable)]
struct PauseRow {
    since: Option<DateTime<Utc>>,
    reason: Option<String>,
    by: Option<String>,
}

impl PauseRow {
    fn read(self) -> Option<Pause> {
        let Self { since, reason, by } = self;
        since.map(|since| Pause { since: since.into(), reason, by })
    }
}

/// Marks a project; a reason that is not given stays. `None` if there is no such project.
pub(super) async fn pause_project(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    request: &PauseRequest,
    now: DateTime<Utc>,
) -> QueryResult<Option<Pause>> {
    let row: Option<PauseRow> = diesel::update(projects::table.find(project.as_str()))
        .set((
            projects::paused_at.eq(diesel::dsl::sql("coalesce(paused_at, ")
                .bind::<diesel::sql_types::Timestamptz, _>(now)
                .sql(")")),
            projects::pause_reason.eq(diesel::dsl::sql("coalesce(")
                .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(&request.reason)
                .sql(", pause_reason)")),
            projects::paused_by.eq(diesel::dsl::sql("coalesce(")
                .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(&request.by)
                .sql(", paused_by)")),
        ))
        .returning((projects::paused_at, projects::pause_reason, projects::paused_by))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.and_then(PauseRow::read))
}

/// Unmarks a project; tells whether there is one.
pub(super) async fn resume_project(conn: &mut AsyncPgConnection, project: &ProjectId) -> QueryResult<bool> {
    let resumed = diesel::update(projects::table.find(project.as_str()))
        .set((
            projects::paused_at.eq(None::<DateTime<Utc>>),
            projects::pause_reason.eq(None::<String>),
            projects::paused_by.eq(None::<String>),
        ))
        .execute(conn)
        .await?;
    Ok(resumed > 0)
}

/// The project's pause, if it is paused.
pub(crate) async fn find_project_pause(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
) -> QueryResult<Option<Pause>> {
    let row: Option<PauseRow> = projects::table
        .find(project.as_str())
        .select((projects::paused_at, projects::pause_reason, projects::paused_by))
        .first(conn)
        .await
        .optional()?;
    Ok(row.and_then(PauseRow::read))
}

/// The pauses of those of the projects that are paused, by project.
pub(crate) async fn list_project_pauses(
    conn: &mut AsyncPgConnection,
    projects: &[&str],
) -> QueryResult<HashMap<String, Pause>> {
    let rows: Vec<(String, PauseRow)> = projects::table
        .filter(projects::project_id.eq_any(projects).and(projects::paused_at.is_not_null()))
        .select((projects::project_id, (projects::paused_at, projects::pause_reason, projects::paused_by)))
        .load(conn)
        .await?;
    Ok(rows.into_iter().filter_map(|(project, row)| Some((project, row.read()?))).collect())
}

/// Marks a tier; a reason that is not given stays.
pub(super) async fn pause_tier(
    conn: &mut AsyncPgConnection,
    tier: &Tier,
    request: &PauseRequest,
    now: DateTime<Utc>,
) -> QueryResult<Pause> {
    diesel::insert_into(paused_tiers::table)
        .values((
            paused_tiers::tier.eq(tier.as_str()),
            paused_tiers::paused_at.eq(now),
            paused_tiers::pause_reason.eq(&request.reason),
            paused_tiers::paused_by.eq(&request.by),
        ))
        .on_conflict(paused_tiers::tier)
        .do_update()
        .set((
            paused_tiers::pause_reason
                .eq(diesel::dsl::sql("coalesce(excluded.pause_reason, paused_tiers.pause_reason)")),
            paused_tiers::paused_by
                .eq(diesel::dsl::sql("coalesce(excluded.paused_by, paused_tiers.paused_by)")),
        ))
        .execute(conn)
        .await?;
    find_tier_pause(conn, tier).await?.ok_or(diesel::result::Error::NotFound)
}

/// Unmarks a tier.
pub(super) async fn resume_tier(conn: &mut AsyncPgConnection, tier: &Tier) -> QueryResult<()> {
    diesel::delete(paused_tiers::table.find(tier.as_str())).execute(conn).await.map(|_| ())
}

/// The tier's pause, if it is paused.
pub(crate) async fn find_tier_pause(conn: &mut AsyncPgConnection, tier: &Tier) -> QueryResult<Option<Pause>> {
    let found: Option<(DateTime<Utc>, Option<String>, Option<String>)> = paused_tiers::table
        .find(tier.as_str())
        .select((paused_tiers::paused_at, paused_tiers::pause_reason, paused_tiers::paused_by))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(since, reason, by)| Pause { since: since.into(), reason, by }))
}

/// The tiers that are paused, by name.
pub(crate) async fn list_paused_tiers(conn: &mut AsyncPgConnection) -> QueryResult<Vec<(Tier, Pause)>> {
    type Row = (String, DateTime<Utc>, Option<String>, Option<String>);
    let rows: Vec<Row> = paused_tiers::table.order(paused_tiers::tier).load(conn).await?;
    let read = |(tier, since, reason, by): Row| (tier.into(), Pause { since: since.into(), reason, by });
    Ok(rows.into_iter().map(read).collect())
}
