//! Tests against a real PostgreSQL and a real RabbitMQ, a database and a virtual host for each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod answers;
mod checkpoints;
mod events;
mod fixture;
mod graph;
mod integrity;
mod interchange;
mod marks;
mod migrations;
mod records;
mod service;
mod spend;
mod walks;
mod writers;
