//! The one thing that `messaging` has no use for: taking an id out of the inbox again.

use diesel::QueryResult;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::EventId;
use uuid::Uuid;

/// Forgets ids that this transaction has recorded: their events will be delivered again.
pub(crate) async fn forget_events(mut conn: &AsyncPgConnection, ids: &[EventId]) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    diesel::sql_query("DELETE FROM inbox WHERE event_id = ANY ($1)")
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(&mut conn)
        .await
        .map(|_| ())
}
