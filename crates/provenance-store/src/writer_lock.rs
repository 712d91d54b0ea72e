//! One writer of records and graph at a time, over all replicas. Batches are large and short, so this costs
//! no throughput; what it buys: record order is commit order, no link between a producer and a consumer that
//! arrive at the same moment is missed, and whoever walks or marks the graph sees it whole.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::statement::statement;

/// Key of the lock among the advisory locks of this database.
const GRAPH_WRITER: i64 = 0x6461_7473_7072_6f76;

statement!(
    struct Lock { key: i64 as BigInt }
    "SELECT pg_advisory_xact_lock($1)"
);

statement!(
    /// With it, until the transaction ends, every statement is planned once for its connection, and as what it is: a
    /// look by keys that there are indexes for. Left to itself, the server plans the large ones anew for every batch,
    /// which can take longer than running them; and plans from when the tables were small read all of them later.
    struct LockForLooksByKey { key: i64 as BigInt }
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
        set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
        set_config('jit', 'off', true), pg_advisory_xact_lock($1)"
);

/// Waits until this transaction is the only writer; held until it ends. Must be its first statement, so that
/// everything after it sees what the writer before it committed.
pub async fn acquire(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    Lock { key: GRAPH_WRITER }.execute(conn).await?;
    Ok(())
}

/// As [`acquire`], for a transaction whose statements all look by keys, few or some hundreds.
pub async fn acquire_for_batch(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    LockForLooksByKey { key: GRAPH_WRITER }.execute(conn).await?;
    Ok(())
}
