//! The promises of this crate, each tried against a real broker and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod calling;
mod consuming;
mod dead_letters;
mod inbox;
mod listening;
mod outbox;
mod publishing;
mod reconnecting;
mod setting_aside;
mod support;
