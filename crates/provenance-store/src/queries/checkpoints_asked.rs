//! Questions and requests about checkpoints.

use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, outbox};
use protocol::CheckpointId;
use protocol::events::{CheckpointRequested, RollbackCompleted};
use protocol::provenance_query::CheckpointView;

use super::{Desk, Unanswered};
use crate::checkpoints;
use crate::marks::Cause;
use crate::records::translation::without_nul;
use crate::writer_lock;

/// Makes a checkpoint; done when answered.
///
/// # Errors
/// The database's.
pub async fn create_checkpoint(
    conn: &mut AsyncPgConnection,
    mut wanted: CheckpointRequested,
    desk: &Desk,
    follow: &mut Vec<OutboxEntry>,
) -> Result<CheckpointView, Unanswered> {
    wanted.description = without_nul(&wanted.description);
    let (view, entries) = conn
        .transaction::<_, diesel::result::Error, _>(async |conn| {
            writer_lock::acquire(conn).await?;
            let cause = Cause { event: None, reason: &wanted.description, now: desk.now };
            let made = checkpoints::create_checkpoint(conn, &wanted, &cause, desk.policy.checkpoints).await?;
            outbox::insert(conn, &made.1).await?;
            Ok(made)
        })
        .await?;
    follow.extend(entries);
    Ok(view)
}

/// What a return to the checkpoint would change.
///
/// # Errors
/// If there is no such checkpoint, or the database does not answer.
pub async fn preview_rollback(
    conn: &mut AsyncPgConnection,
    checkpoint_id: CheckpointId,
) -> Result<RollbackCompleted, Unanswered> {
    let told = checkpoints::preview_rollback(conn, checkpoint_id).await?;
    told.ok_or_else(|| Unanswered::NotFound(format!("no checkpoint {checkpoint_id}")))
}
