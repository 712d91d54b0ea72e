//! Taints that came in from elsewhere. Nobody was told of them when they were set, and whoever holds work back because of
//! a taint has to know.

use diesel::sql_types::{Array, Bool, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;
use protocol::ArtifactId;
use protocol::events::{ArtifactCleared, ArtifactTainted};

use super::announcement::{ARTIFACTS_PER_EVENT, Cause};
use crate::statement::statement;

statement!(
    /// Those of the artifacts of which any version is tainted, and whether the newest one is.
    struct ListTaints { names: Vec<String> as Array<Text> }
    "SELECT newest.artifact_id, mark.kind IS NOT DISTINCT FROM 'tainted' AS is_tainted
     FROM (
        SELECT DISTINCT ON (artifact_id) id, artifact_id FROM artifacts WHERE artifact_id = ANY ($1)
        ORDER BY artifact_id, producer_seq IS NULL, produced_at DESC, reported_by DESC
     ) newest
     LEFT JOIN artifact_marks mark ON mark.node_id = newest.id
     WHERE EXISTS (
        SELECT FROM artifacts version JOIN artifact_marks taint ON taint.node_id = version.id
        WHERE version.artifact_id = newest.artifact_id AND taint.kind = 'tainted')
     ORDER BY newest.artifact_id"
);

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = Bool)]
    is_tainted: bool,
}

/// What to tell of artifacts of which versions were brought in: `artifact.tainted` where the newest version is tainted,
/// `artifact.cleared` where only older ones are. Nothing of those that nobody found wrong.
///
/// # Errors
/// The database's.
pub async fn tell_brought(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
    cause: &Cause<'_>,
) -> QueryResult<Vec<OutboxEntry>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<Known> = ListTaints { names }.load(conn).await?;
    let (tainted, outdated): (Vec<Known>, Vec<Known>) = known.into_iter().partition(|known| known.is_tainted);
    let mut entries = Vec::new();
    for artifact_ids in batches(tainted) {
        let reason = cause.reason.to_owned();
        entries
            .push(cause.event("", ArtifactTainted { artifact_ids, reason, ..ArtifactTainted::default() })?);
    }
    for artifact_ids in batches(outdated) {
        let reason = "a newer version was imported".to_owned();
        entries
            .push(cause.event("", ArtifactCleared { artifact_ids, reason, ..ArtifactCleared::default() })?);
    }
    Ok(entries)
}

fn batches(known: Vec<Known>) -> Vec<Vec<ArtifactId>> {
    let names: Vec<ArtifactId> =
        known.into_iter().filter_map(|known| ArtifactId::new(known.artifact_id).ok()).collect();
    names.chunks(ARTIFACTS_PER_EVENT).map(<[ArtifactId]>::to_vec).collect()
}
