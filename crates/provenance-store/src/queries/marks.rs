//! Questions and requests about marks.

use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, outbox};
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

/// Clears what somebody found good; done when answered.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn clear_marks(
    conn: &mut AsyncPgConnection,
    id: &str,
    reason: &str,
    desk: &Desk,
    follow: &mut Vec<OutboxEntry>,
) -> Result<Clearing, Unanswered> {
    let reason = without_nul(reason);
    let (artifact_id, cleared) = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            writer_lock::acquire(conn).await?;
            let Some(target) = marks::find_target(conn, id).await? else { return Ok(None) };
            let target_name = target.artifact_id.clone();
            let cause = Cause { event: None, reason: &reason, now: desk.now };
            let cleared = marks::clear(conn, &[target], &cause, desk.policy.marks).await?;
            outbox::insert(conn, &cleared.entries).await?;
            Ok(Some((target_name, cleared)))
        })
        .await?
        .ok_or_else(|| not_found(id))?;
    follow.extend(cleared.entries);
    Ok(Clearing { artifact_id, cleared: cleared.cleared })
}
