//! Doing what an event wants.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, inbox, outbox};
use protocol::{Event, EventId};

use super::{Order, Wish};
use crate::marks::{self, Cause};
use crate::policy::Policy;
use crate::{checkpoints, writer_lock};

/// What became of an order.
#[derive(Debug)]
pub enum Applied {
    /// It was followed, now or before. Events to publish; they are in the outbox already.
    Done(Vec<OutboxEntry>),
    /// It names a record that is not known, or not yet.
    Unknown,
}

/// Does what the event wants, unless that was done before.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn apply_order(
    conn: &mut AsyncPgConnection,
    event: &Event,
    order: &Order,
    policy: Policy,
    now: DateTime<Utc>,
) -> QueryResult<Applied> {
    let applied = conn
        .transaction(async |conn| {
            writer_lock::acquire(conn).await?;
            let cause = Cause { event: Some(event), reason: &order.reason, now };
            let follow = if inbox::claim(conn, &[event.id]).await?.is_empty() {
                answer_again(conn, event, &order.wish, &cause).await.map(Some)?
            } else {
                follow(conn, &order.wish, &cause, policy).await?
            };
            // The claim goes too, so that the event may come back.
            let follow = follow.ok_or(Error::RollbackTransaction)?;
            outbox::insert(conn, &follow).await?;
            Ok(follow)
        })
        .await;
    match applied {
        Ok(follow) => Ok(Applied::Done(follow)),
        Err(Error::RollbackTransaction) => Ok(Applied::Unknown),
        Err(error) => Err(error),
    }
}

/// `None` if it is about a record that is not known.
async fn follow(
    conn: &mut AsyncPgConnection,
    wish: &Wish,
    cause: &Cause<'_>,
    policy: Policy,
) -> QueryResult<Option<Vec<OutboxEntry>>> {
    match wish {
        Wish::Taint(order) => {
            let Some(mut follow) = marks::taint(conn, order, cause, policy.marks).await? else {
                return Ok(None);
            };
            let (names, record) = (&order.artifact_ids, order.provenance_id);
            follow.push(marks::tell_marked(conn, names, record, answered(cause), cause).await?);
            Ok(Some(follow))
        }
        Wish::Suspect(told) => marks::suspect(conn, told, cause, policy.marks).await,
        Wish::Clear { artifact_ids, provenance_id } => {
            let targets = marks::find_targets(conn, artifact_ids, *provenance_id).await?;
            let Some(targets) = targets else { return Ok(None) };
            let mut cleared = marks::clear(conn, &targets, cause, policy.marks).await?;
            if cleared.cleared {
                let told = marks::tell_all(conn, cleared.names, answered(cause), cause).await?;
                cleared.entries.push(told);
            }
            Ok(Some(cleared.entries))
        }
        Wish::Checkpoint(wanted) => {
            Ok(Some(checkpoints::create_checkpoint(conn, wanted, cause, policy.checkpoints).await?.1))
        }
        Wish::RollBack(wanted) => checkpoints::roll_back(conn, wanted, cause).await.map(Some),
    }
}

/// What was followed before, or taken back before it came. Whoever waits for the answer to a taint may have lost it.
async fn answer_again(
    conn: &mut AsyncPgConnection,
    event: &Event,
    wish: &Wish,
    cause: &Cause<'_>,
) -> QueryResult<Vec<OutboxEntry>> {
    let Wish::Taint(order) = wish else { return Ok(Vec::new()) };
    // Under an id of its own: the first answer may still be on its way.
    let cause = Cause { event: None, ..*cause };
    let answers = vec![event.id];
    Ok(vec![marks::tell_marked(conn, &order.artifact_ids, order.provenance_id, answers, &cause).await?])
}

/// The event that a telling answers.
fn answered(cause: &Cause<'_>) -> Vec<EventId> {
    cause.event.map(|event| event.id).into_iter().collect()
}
