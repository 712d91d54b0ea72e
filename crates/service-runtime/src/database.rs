//! PostgreSQL: the pool that a service works with, its migrations, and what its errors mean.
//!
//! A database that is away makes [`Pool::get`](deadpool::managed::Pool::get) fail within about two
//! seconds; callers turn that into "try again later", and everything recovers by itself.

mod by_keys;
mod connect;
mod error;
mod migrate;
mod pipeline;
mod pool;
mod settings;
mod silence;
mod target;
mod within;

pub use by_keys::look_by_keys;
pub use error::{StoreError, is_conflict, is_unavailable};
pub use migrate::{MigrateError, migrate, migrate_when_available};
pub use pipeline::{Begun, Committed, IS_BEGUN, Pipeline, begin_by_keys, commit};
pub use pool::{check, connect, watch};
pub use settings::DatabaseSettings;
pub use target::TargetError;
pub use within::within;

use diesel_async::AsyncPgConnection;

/// The pool of connections.
pub type Pool = diesel_async::pooled_connection::deadpool::Pool<AsyncPgConnection>;
/// A connection on loan from the pool.
pub type PooledConnection = diesel_async::pooled_connection::deadpool::Object<AsyncPgConnection>;
/// Why the pool had no connection to give.
pub type PoolError = diesel_async::pooled_connection::deadpool::PoolError;
