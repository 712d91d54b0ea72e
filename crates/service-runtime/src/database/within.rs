//! A limit on the caller's side, for a server that takes a statement and never answers.

use std::time::Duration;

use tokio::time::timeout;

use super::StoreError;

/// Runs `work` and gives it up after `limit`. A transaction that was open is rolled back: the pool does
/// not keep a connection that was left in the middle of one.
///
/// # Errors
/// Those of `work`, and [`StoreError::Unavailable`] when the time is up. Whether a commit that was under
/// way went through is not known then.
pub async fn within<T, E>(limit: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, E>
where
    E: From<StoreError>,
{
    match timeout(limit, work).await {
        Ok(result) => result,
        Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed)).into()),
    }
}
