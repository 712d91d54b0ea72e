//! Remembers where every artifact came from: records of task attempts, the graph of artifacts between them,
//! their verdicts, and answers to questions about all of it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod artifacts;
pub mod cascade;
pub mod checkpoints;
pub mod consumers;
pub mod costs;
pub mod graph;
pub mod integrity;
pub mod interchange;
pub mod marks;
mod measurements;
pub mod policy;
pub mod project_counters;
pub mod queries;
pub mod records;
mod schema;
pub mod settings;
pub mod startup;
mod statement;
mod upkeep;
pub mod writer_lock;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// How this service names itself in events.
pub const SOURCE: &str = "/orchestration/provenance-store";
/// How the database's tables came to be.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/provenance-store");
