//! Transactions that begin along with their first statements and are committed along with their last. A transaction
//! is two exchanges with the server then where it would be four, and what it locked last is held for no exchange at all:
//! on a busy machine each exchange waits for its turn, and whoever wants the locks waits for all of them.
//!
//! What makes this safe: the server carries out statements in the order in which they are sent, after one that failed it
//! refuses those behind it and takes a commit for a rollback, and a connection is lent again only when the server has
//! said that its transaction is over. Two things are left to whoever uses it. If it is the beginning that fails, what was
//! sent along with it is carried out by itself: it may only read, or do what [`IS_BEGUN`] allows. And a transaction whose
//! commit was sent may be committed although its caller was gone before the answer.

use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::time::timeout;

use super::PooledConnection;
use super::by_keys::BY_KEYS;

/// True, in SQL, within a transaction that [`begin_by_keys`] has begun, and nowhere else.
pub const IS_BEGUN: &str = "current_setting('dats.begun', true) = 'yes'";

/// Longest time for a transaction, far longer than any takes. A server that falls silent between two answers would not be
/// noticed otherwise.
const LONGEST: Duration = Duration::from_secs(60);

/// A transaction was begun; what [`commit`] wants to see.
#[derive(Debug)]
#[must_use]
pub struct Begun(());

/// A transaction was committed; what [`Pipeline::run`] wants to see.
#[derive(Debug)]
#[must_use]
pub struct Committed(());

/// Begins a transaction whose statements are all looks by key (see [`look_by_keys`](super::look_by_keys)). Sent with
/// other statements, it must be polled first.
///
/// # Errors
/// As the database tells.
pub async fn begin_by_keys(mut conn: &AsyncPgConnection) -> QueryResult<Begun> {
    (&mut conn).batch_execute(&format!("BEGIN; SET LOCAL dats.begun = 'yes'; {BY_KEYS}")).await?;
    Ok(Begun(()))
}

/// Commits. Sent with other statements, it must be polled last, and each of them must be a single one: a second that
/// waits for the answer of a first would come after the commit. Statements are sent in the order in which they are
/// polled, as this is one of those that the connection keeps prepared.
///
/// # Errors
/// As the database tells. Whether the transaction was committed is not known when the connection was lost.
pub async fn commit(mut conn: &AsyncPgConnection, _: Begun) -> QueryResult<Committed> {
    Commit.execute(&mut conn).await?;
    Ok(Committed(()))
}

/// A connection for transactions with [`begin_by_keys`] and [`commit`], which the pool would not know of.
pub struct Pipeline {
    loan: Option<PooledConnection>,
}

impl Pipeline {
    /// Transactions on this connection.
    #[must_use]
    pub const fn new(loan: PooledConnection) -> Self {
        Self { loan: Some(loan) }
    }

    /// Runs `work`, which begins and commits one transaction, and rolls back when it fails.
    ///
    /// # Errors
    /// Those of `work`; that the transaction is broken when it takes more than a minute, or after one that could not be
    /// rolled back.
    pub async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<(T, Committed)>,
    ) -> QueryResult<T> {
        let mut open = Open(self.loan.take());
        let conn = open.0.as_deref_mut().ok_or(Error::BrokenTransactionManager)?;
        let transaction = async {
            let done = work(conn).await;
            let is_over = done.is_ok() || conn.batch_execute("ROLLBACK").await.is_ok();
            (done, is_over)
        };
        let outcome = timeout(LONGEST, transaction).await;
        let (done, is_over) = outcome.map_err(|_| Error::BrokenTransactionManager)?;
        if is_over {
            self.loan = open.0.take();
        }
        done.map(|(value, _)| value)
    }
}

/// A connection on which a transaction may be open.
struct Open(Option<PooledConnection>);

impl Drop for Open {
    /// Given up in the middle: the pool must not lend the connection again. The server ends the transaction when it finds
    /// the connection closed.
    fn drop(&mut self) {
        drop(self.0.take().map(PooledConnection::take));
    }
}

struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("COMMIT");
        Ok(())
    }
}

impl QueryId for Commit {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for Commit {}
