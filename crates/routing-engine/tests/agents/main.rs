//! Tests of the agent lane: the bytes that agents get, what is understood of what they send, and the lane on a real
//! broker beside agents that declare everything themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod dispatching;
mod documented;
mod foreign_agent;
mod garbage;
mod lane;
mod replies;
mod replying;
mod requests;
mod routes;
mod stand_in;
