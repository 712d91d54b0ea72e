//! The edges towards the broker: events in, questions in. They translate; rules and SQL are elsewhere.

mod events;
mod queries;

pub use events::{CONSUMED, EventConsumer};
pub use queries::QueryResponder;
