//! Plans of statements that look rows up by keys.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

/// One plan per statement and connection, which goes by the indexes. Left to itself, the server plans a statement anew
/// every time as long as it thinks that few keys are worth a plan of their own, which takes as long as running it; and it
/// keeps plans from when the tables were small, which read all of them later.
pub(super) const BY_KEYS: &str = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

/// Until the transaction ends, has the server take every statement as what it is: a look by keys that there are indexes
/// for. Not for statements that read much of a table.
///
/// # Errors
/// As the database tells.
pub async fn look_by_keys(mut conn: &AsyncPgConnection) -> QueryResult<()> {
    (&mut conn).batch_execute(BY_KEYS).await
}
