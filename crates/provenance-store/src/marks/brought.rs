//! Taints that came in from elsewhere. Nobody was told of them when they were set, and whoever holds work back because of
//! a taint has to know.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use messaging::OutboxEntry;
use protocol::events::{ArtifactCleared, ArtifactTainted};

use super::announcement::{ARTIFACTS_PER_EVENT, Cause};
use super::standing::{take_standing_of_tainted, tell};

/// What to tell of artifacts of which versions were brought in: how they stand, and with it `artifact.tainted` where the
/// newest version is tainted, `artifact.cleared` where only older ones are. Nothing of those that nobody found wrong.
///
/// # Errors
/// The database's.
pub async fn tell_brought(
    conn: &mut AsyncPgConnection,
    names: Vec<String>,
    cause: &Cause<'_>,
) -> QueryResult<Vec<OutboxEntry>> {
    let Some(standing) = take_standing_of_tainted(conn, names).await? else { return Ok(Vec::new()) };
    let mut entries = tell(&standing, cause)?;
    for names in standing.tainted.chunks(ARTIFACTS_PER_EVENT) {
        let (artifact_ids, reason) = (names.to_vec(), cause.reason.to_owned());
        let tainted = ArtifactTainted { artifact_ids, reason, ..ArtifactTainted::default() };
        entries.push(cause.event("", tainted)?);
    }
    for names in standing.untainted.chunks(ARTIFACTS_PER_EVENT) {
        let (artifact_ids, reason) = (names.to_vec(), "a newer version was imported".to_owned());
        let cleared = ArtifactCleared { artifact_ids, reason, ..ArtifactCleared::default() };
        entries.push(cause.event("", cleared)?);
    }
    Ok(entries)
}
