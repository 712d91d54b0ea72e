//! One writer of records and graph at a time, over all replicas. Batches are large and short, so this costs
//! no throughput; what it buys: record order is commit order, no link between a producer and a consumer that
//! arrive at the same moment is missed, and whoever walks or marks the graph sees it whole.

use diesel::sql_types::BigInt;
use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Key of the lock among the advisory locks of this database.
const GRAPH_WRITER: i64 = 0x6461_7473_7072_6f76;

/// Waits until this transaction is the only writer; held until it ends. Must be its first statement, so that
/// everything after it sees what the writer before it committed.
pub async fn acquire(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(GRAPH_WRITER).execute(conn).await?;
    Ok(())
}
