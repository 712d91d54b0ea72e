//! Decides where each task runs. Stateless: hears `task.created`, answers with `task.ready.<tier>`,
//! `task.decomposed`, `task.dispatched` or `task.routing.failed`, and keeps nothing that a redelivery would not bring back.
//! `decision` is pure; `analysis` and `context` ask others; `lanes` put them together; `consumers` are the edge.

pub mod analysis;
pub mod consumers;
pub mod context;
pub mod decision;
pub mod engine;
pub mod lanes;
pub mod measurements;
pub mod outbound;
pub mod settings;
pub mod startup;

/// Who this service is in the events it publishes.
const SOURCE: &str = "/orchestration/routing-engine";
