//! Tasks: their life cycle (pure), the use cases around it, and their store.

pub mod asked;
pub mod cancellation;
pub(crate) mod changes;
pub mod decomposition;
pub mod dispatch;
mod estimates;
pub mod event_application;
mod inheritance;
pub mod lifecycle;
pub mod progress;
pub mod queries;
pub mod retry;
mod service;
pub(crate) mod store;
pub mod submission;
pub mod task;

pub use service::{Announce, TaskService, TaskServiceParts};

#[cfg(test)]
mod tests;
