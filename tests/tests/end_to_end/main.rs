//! One program for all end-to-end tests: they link once and run side by side. Each test has services, databases and a
//! virtual host of its own.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod agent_load;
mod agent_service;
mod agents;
mod backup;
mod bad_input;
mod bench;
mod bindings;
mod cli;
mod crashes;
mod dependencies_away;
mod documents;
mod faults;
mod hostile_events;
mod idempotency;
mod live;
mod load;
mod metrics_table;
mod operations;
mod processes;
mod projects;
mod provenance;
mod replicas;
mod server_restarts;
mod slow_peers;
mod standings;
mod task_life;
mod tracing;
mod trust;
mod webhooks;
