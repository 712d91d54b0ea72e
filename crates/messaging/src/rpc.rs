//! Request and reply through the broker: a question to a queue, an answer within a time. Nothing here is kept over a
//! restart: a question whose answer nobody waits for any more is worthless.

mod client;
mod server;

pub use client::RpcClient;
pub use server::{RpcHandler, RpcServer};

use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RpcError {
    /// Nobody answered in time.
    #[error("no answer in time")]
    Timeout,
    /// The question could not be asked, or the way back for its answer is lost.
    #[error("not reachable: {0}")]
    Unavailable(&'static str),
}
