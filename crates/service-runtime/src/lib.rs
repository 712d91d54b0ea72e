//! What every service needs and no business: settings, telemetry, database pool, health, shutdown, clock, backoff.
//!
//! A service's `main` is one call to [`service::run`]; everything it needs afterwards hangs on the
//! [`service::ServiceContext`] that `run` hands to its start function.

pub mod backoff;
pub mod clock;
pub mod database;
pub mod health;
pub mod http;
pub mod ops;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
