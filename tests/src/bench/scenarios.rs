//! What is measured, one file each: what it runs, and what it should reach.

mod admission;
mod agents;
mod batch;
mod dispatch;
mod end_to_end;
mod events;
mod layers;
mod live;
mod million;
mod provenance_graph;
mod provenance_import;
mod provenance_read;
mod provenance_write;
mod ready;
mod soak;
mod status;
mod submit;

use futures_util::future::BoxFuture;

use super::figures::{Findings, Quantity, Target};
use super::scale::Scale;

/// One row of the report, or several.
pub struct Scenario {
    /// How it is selected.
    pub name: &'static str,
    /// What is measured, for people.
    pub operation: &'static str,
    /// What it should reach.
    pub targets: &'static [(Quantity, Target)],
    /// Measures once, on services of its own.
    pub run: fn(Scale) -> BoxFuture<'static, Findings>,
    /// Whether it runs without being asked for by name.
    pub by_default: bool,
}

/// All of them, in the order of the report.
#[must_use]
pub const fn all() -> &'static [Scenario] {
    &[
        submit::CLOSED,
        submit::FIXED,
        batch::SCENARIO,
        batch::LARGE,
        status::SCENARIO,
        ready::SCENARIO,
        end_to_end::SUSTAINED,
        end_to_end::ONE_IN_FLIGHT,
        admission::WHOLE,
        admission::ALONE,
        layers::SCENARIO,
        events::SCENARIO,
        dispatch::SCENARIO,
        dispatch::FIXED,
        dispatch::CLOSED,
        agents::SCENARIO,
        provenance_write::SCENARIO,
        provenance_read::SCENARIO,
        provenance_graph::SCENARIO,
        provenance_import::SCENARIO,
        live::SCENARIO,
        million::SUBMIT,
        million::STATUS,
        million::LISTS,
        soak::SCENARIO,
    ]
}
