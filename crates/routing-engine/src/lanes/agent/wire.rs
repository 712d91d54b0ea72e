//! The agent wire protocol, version 1.0: one JSON envelope around every message, work requests one way, results,
//! status and errors the other. We write exactly what existing agents take, and read whatever they send.

mod fields;
mod reply;
mod request;

pub use fields::Unreadable;
pub use reply::{AgentError, Heartbeat, Progress, ProgressState, Reply, Step, Verdict, WorkResult};
pub use request::{Hints, WorkRequest, request_body, without_nulls};

/// The one version there is; a message that names none means this one.
const VERSION: &str = "1.0";
