//! How artifacts stand: whether the newest version of each is tainted. Work is held back by it elsewhere, so everything
//! that may change it tells, in the same transaction and with a moment that grows in commit order: marks that are set
//! or taken away, and new versions.

use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;
use protocol::events::ArtifactStanding;
use protocol::{ArtifactId, EventId, ProvenanceId};
use uuid::Uuid;

use super::announcement::{ARTIFACTS_PER_EVENT, Cause};
use super::target::select_newest;
use crate::statement::statement;

/// Whether the newest versions of the artifacts `$1` are tainted.
macro_rules! standings {
    ($condition:literal) => {
        concat!(
            "SELECT newest.artifact_id, clock.moment,
                COALESCE(mark.kind = 'tainted', false) OR COALESCE(record.is_tainted, false) AS is_tainted
             FROM (",
            select_newest!("= ANY ($1)"),
            ") newest
             CROSS JOIN standing_clock clock
             LEFT JOIN artifact_marks mark ON mark.node_id = newest.id
             LEFT JOIN provenance_records record ON record.seq = newest.producer_seq
             WHERE ",
            $condition,
            " ORDER BY newest.artifact_id"
        )
    };
}

statement!(
    struct ListStandings { names: Vec<String> as Array<Text> }
    standings!("true")
);

statement!(
    /// Only of those artifacts of which any version is tainted; done at once while nothing is.
    struct ListStandingsOfTainted { names: Vec<String> as Array<Text> }
    standings!(
        "(SELECT EXISTS (SELECT FROM artifact_marks WHERE kind = 'tainted')) AND EXISTS (
            SELECT FROM artifacts version JOIN artifact_marks taint ON taint.node_id = version.id
            WHERE version.artifact_id = newest.artifact_id AND taint.kind = 'tainted')"
    )
);

statement!(
    /// Everything that marks on these bear on: the artifacts themselves, with whatever the records of their newest
    /// versions produced besides, and what this record produced.
    struct ListBorneOn { names: Vec<String> as Array<Text>, provenance_id: Option<Uuid> as Nullable<SqlUuid> }
    concat!(
        "WITH named AS (SELECT UNNEST($1) AS artifact_id)
         SELECT artifact_id FROM named
         UNION
         SELECT beside.artifact_id FROM (",
        select_newest!("IN (SELECT artifact_id FROM named)"),
        ") newest JOIN artifacts beside ON beside.producer_seq = newest.producer_seq
         UNION
         SELECT made.artifact_id FROM provenance_records record JOIN artifacts made ON made.producer_seq = record.seq
         WHERE record.provenance_id = $2"
    )
);

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = BigInt)]
    moment: i64,
    #[diesel(sql_type = Bool)]
    is_tainted: bool,
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    artifact_id: String,
}

#[derive(QueryableByName)]
struct MomentRow {
    #[diesel(sql_type = BigInt)]
    moment: i64,
}

/// How these artifacts stand, as of the last change of any.
pub(super) async fn find_standing(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
) -> QueryResult<ArtifactStanding> {
    let rows: Vec<StandingRow> = ListStandings { names }.load(conn).await?;
    Ok(standing(&rows))
}

/// How these artifacts stand from now on. For whoever has just changed something, under the graph writer's lock.
pub(crate) async fn take_standing(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
) -> QueryResult<ArtifactStanding> {
    let moment = next_moment(conn).await?;
    Ok(ArtifactStanding { moment, ..find_standing(conn, names).await? })
}

/// Tells how everything stands that marks on these artifacts, or on what this record produced, bear on.
///
/// # Errors
/// The database's.
pub async fn tell_marked(
    conn: &mut AsyncPgConnection,
    artifact_ids: &[ArtifactId],
    provenance_id: Option<ProvenanceId>,
    answers: Vec<EventId>,
    cause: &Cause<'_>,
) -> QueryResult<OutboxEntry> {
    let names = artifact_ids.iter().map(ToString::to_string).collect();
    let borne_on = ListBorneOn { names, provenance_id: provenance_id.map(ProvenanceId::as_uuid) };
    let names: Vec<NameRow> = borne_on.load(conn).await?;
    tell_all(conn, names.into_iter().map(|row| row.artifact_id).collect(), answers, cause).await
}

/// Tells how these artifacts stand from now on.
///
/// # Errors
/// The database's.
pub async fn tell_all(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
    answers: Vec<EventId>,
    cause: &Cause<'_>,
) -> QueryResult<OutboxEntry> {
    cause.event("", ArtifactStanding { answers, ..take_standing(conn, names).await? })
}

/// Tells how artifacts stand of which new versions were written: nothing of those of which none is tainted. Costs one
/// look while nothing is tainted at all.
///
/// # Errors
/// The database's.
pub async fn tell_new_versions(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
    cause: &Cause<'_>,
) -> QueryResult<Vec<OutboxEntry>> {
    let standing = take_standing_of_tainted(conn, names).await?;
    standing.map_or_else(|| Ok(Vec::new()), |standing| tell(&standing, cause))
}

/// As [`take_standing`], but only of those of the artifacts of which any version is tainted; `None` if there are none.
pub(super) async fn take_standing_of_tainted(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
) -> QueryResult<Option<ArtifactStanding>> {
    if names.is_empty() {
        return Ok(None);
    }
    let rows: Vec<StandingRow> = ListStandingsOfTainted { names }.load(conn).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(ArtifactStanding { moment: next_moment(conn).await?, ..standing(&rows) }))
}

/// The events that tell it, so many artifacts at a time.
pub(crate) fn tell(standing: &ArtifactStanding, cause: &Cause<'_>) -> QueryResult<Vec<OutboxEntry>> {
    let tainted = standing.tainted.iter().map(|name| (name, true));
    let all: Vec<_> = tainted.chain(standing.untainted.iter().map(|name| (name, false))).collect();
    let told = all.chunks(ARTIFACTS_PER_EVENT).enumerate().map(|(part, names)| {
        let side = |wanted| {
            names.iter().filter(move |(_, side)| *side == wanted).map(|(name, _)| (*name).clone()).collect()
        };
        let told = ArtifactStanding { tainted: side(true), untainted: side(false), ..standing.clone() };
        cause.event(&format!("/{part}"), told)
    });
    told.collect()
}

fn standing(rows: &[StandingRow]) -> ArtifactStanding {
    let named = |is_tainted: bool| {
        let rows = rows.iter().filter(move |row| row.is_tainted == is_tainted);
        rows.filter_map(|row| ArtifactId::new(row.artifact_id.clone()).ok()).collect()
    };
    let moment = rows.first().map_or(0, |row| row.moment);
    ArtifactStanding { moment, tainted: named(true), untainted: named(false), answers: Vec::new() }
}

async fn next_moment(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    let row: MomentRow = diesel::sql_query(
        "UPDATE standing_clock SET
            moment = greatest(moment + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
         RETURNING moment",
    )
    .get_result(conn)
    .await?;
    Ok(row.moment)
}
