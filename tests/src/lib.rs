//! End-to-end, contract and fault tests: the real binaries, seen from outside. The library is the harness: it starts
//! the services with databases and a virtual host of the test's own, and speaks REST and AMQP like a stranger.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness fails its test by panicking"
)]

pub mod bench;
pub mod client;
pub mod faults;
pub mod links;
pub mod measure;
pub mod outsider;
pub mod spans;
pub mod stack;
pub mod watcher;

pub use client::{Answer, Client};
pub use outsider::Outsider;
pub use stack::{Plan, Role, Stack};
