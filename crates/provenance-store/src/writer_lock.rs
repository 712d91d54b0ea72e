//! One writer of records and graph at a time, over all replicas. Batches are large and short, so this costs
//! no throughput; what it buys: record order is commit order, no link between a producer and a consumer that
//! arrive at the same moment is missed, and whoever walks or marks the graph sees it whole.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use service_runtime::database::look_by_keys;

use crate::statement::statement;

/// Key of the lock among the advisory locks of this database.
const GRAPH_WRITER: i64 = 0x6461_7473_7072_6f76;

statement!(
    struct Lock { key: i64 as BigInt }
    "SELECT pg_advisory_xact_lock($1)"
);

/// Waits until this transaction is the only writer; held until it ends. Must be its first statement, so that
/// everything after it sees what the writer before it committed.
pub async fn acquire(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    Lock { key: GRAPH_WRITER }.execute(conn).await?;
    Ok(())
}

/// As [`acquire`], for a transaction whose statements all look by keys, few or some hundreds. What makes the server
/// plan them as that goes out along with it, and more may: what is sent behind it is carried out under the lock.
pub async fn acquire_for_batch(conn: &AsyncPgConnection) -> QueryResult<()> {
    let mut locking = conn;
    try_join!(look_by_keys(conn), Lock { key: GRAPH_WRITER }.execute(&mut locking))?;
    Ok(())
}
