//! REST and WebSocket for the outside world; owns the tasks.
//! Edges (`http`, `consumers`) translate; `tasks` holds the rules and use cases; `reconcilers` close gaps.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod access;
pub mod agents;
mod audit;
pub mod consumers;
pub mod dead_letters;
mod group_commit;
pub mod http;
mod idempotency;
pub mod live;
mod metrics;
pub mod pauses;
mod projects;
pub mod provenance;
pub mod queues;
pub mod reconcilers;
pub mod reviews;
mod schema;
pub mod settings;
pub mod startup;
pub mod tasks;
mod trust;
mod webhooks;
pub mod workers;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// How the database's tables came to be.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/api-gateway");
