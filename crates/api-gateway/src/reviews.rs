//! Questions to people: who is asked what, and the one answer that each takes. A review is written with the change
//! of its task, and its answer changes the task in the same transaction.

pub mod answer;
pub mod queries;
mod review;
pub(crate) mod store;

pub use review::{Answer, Review, ReviewId, ReviewStatus};
