//! Questions and requests about marks.

use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, inbox, outbox};
use protocol::EventId;
use protocol::events::ArtifactStanding;
use protocol::provenance_query::{Clearing, MarkTargetView};

use super::{Desk, Unanswered};
use crate::marks::{self, Cause};
use crate::records::translation::without_nul;
use crate::writer_lock;

fn not_found(id: &str) -> Unanswered {
    Unanswered::NotFound(format!("nothing that could be marked by provenance, artifact or task id {id:?}"))
}

/// What somebody means who wants to mark something.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn get_mark_target(conn: &mut AsyncPgConnection, id: &str) -> Result<MarkTargetView, Unanswered> {
    let target = marks::find_target(conn, id).await?.ok_or_else(|| not_found(id))?;
    Ok(target.view(conn).await?)
}

/// Clears what somebody found good; done when answered. Events that are `withdrawn` are not followed when they come.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn clear_marks(
    conn: &mut AsyncPgConnection,
    id: &str,
    reason: &str,
    withdrawn: &[EventId],
    desk: &Desk,
    follow: &mut Vec<OutboxEntry>,
) -> Result<Clearing, Unanswered> {
    let reason = without_nul(reason);
    let clearing = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            writer_lock::acquire(conn).await?;
            let Some(target) = marks::find_target(conn, id).await? else { return Ok(None) };
            let artifact_id = target.artifact_id.clone();
            let is_withdrawn = !inbox::claim(conn, withdrawn).await?.is_empty();
            let cause = Cause { event: None, reason: &reason, now: desk.now };
            let cleared = marks::clear(conn, &[target], &cause, desk.policy.marks).await?;
            let mut entries = cleared.entries;
            let standing = marks::take_standing(conn, cleared.names).await?;
            let told = ArtifactStanding { answers: withdrawn.to_vec(), ..standing.clone() };
            entries.push(cause.event("", told)?);
            outbox::insert(conn, &entries).await?;
            let cleared = cleared.cleared || is_withdrawn;
            Ok(Some((Clearing { artifact_id, cleared, standing: Some(standing) }, entries)))
        })
        .await?;
    let (clearing, entries) = clearing.ok_or_else(|| not_found(id))?;
    follow.extend(entries);
    Ok(clearing)
}
