//! Agents as their heartbeats show them: the registry, which of them holds which task, and what their silence means.
//! An agent's id is a claim and no identity. Many take a new one for every heartbeat, or send zeros; so ids age out,
//! and only one that was seen twice can be missed.

mod agent;
mod holding;
mod registry;
mod sightings;
pub(crate) mod silence;
pub(crate) mod store;
mod work_types;

pub use agent::{Agent, AgentFilter};
pub(crate) use holding::note_held_tasks;
pub use registry::AgentRegistry;
pub(crate) use sightings::{Sighting, Sightings};
pub use work_types::WorkTypes;
