//! Events that change marks, or make and return to checkpoints: what they want, and how it is done. Each is a transaction of its own, under the graph
//! writer's lock; what this service told itself is done already.

mod apply;

pub use apply::{Applied, apply_order};

use protocol::events::{
    ArtifactCleared, ArtifactSuspect, ArtifactTainted, CheckpointRequested, RollbackRequested,
};
use protocol::{ArtifactId, Event, EventData, ProvenanceId};

use crate::SOURCE;
use crate::marks::TaintOrder;
use crate::records::translation::{Refused, clean, without_nul};

/// What an event wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Something is wrong.
    Taint(TaintOrder),
    /// Something is suspected.
    Suspect(ArtifactSuspect),
    /// Something is good.
    Clear {
        /// Artifacts by name.
        artifact_ids: Vec<ArtifactId>,
        /// The record whose versions are meant; the newest ones when absent.
        provenance_id: Option<ProvenanceId>,
    },
    /// A point to return to is wanted.
    Checkpoint(CheckpointRequested),
    /// A return is wanted.
    RollBack(RollbackRequested),
}

/// A wish, with the words that came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// What is to be done.
    pub wish: Wish,
    /// Why.
    pub reason: String,
}

/// What the event wants; `None` where it is about records instead, or tells what this service did itself.
///
/// # Errors
/// Says why the event cannot be followed.
pub fn order(event: &Event) -> Option<Result<Order, Refused>> {
    let read = match &event.data {
        EventData::ArtifactTainted(told) => tainted(event, told),
        EventData::ArtifactSuspect(told) => suspect(told),
        EventData::ArtifactCleared(told) => cleared(told),
        EventData::CheckpointRequested(wanted) => checkpoint(wanted),
        EventData::RollbackRequested(wanted) => {
            Ok(Order { wish: Wish::RollBack(wanted.clone()), reason: without_nul(&wanted.reason) })
        }
        _ => return None,
    };
    Some(read)
}

/// Whether this service published it.
#[must_use]
pub fn is_own(event: &Event) -> bool {
    event.source == SOURCE
}

fn tainted(event: &Event, told: &ArtifactTainted) -> Result<Order, Refused> {
    let artifact_ids = named(told.artifacts(), told.provenance_id)?;
    let order = TaintOrder {
        artifact_ids,
        provenance_id: told.provenance_id,
        cascade_id: cascade(told.cascade_id.as_ref())?,
        source_id: told.source_id.clone(),
        by: Some(without_nul(&event.source)).filter(|source| !source.is_empty()),
        propagate: told.propagate.unwrap_or(true),
    };
    Ok(Order { wish: Wish::Taint(order), reason: without_nul(&told.reason) })
}

fn suspect(told: &ArtifactSuspect) -> Result<Order, Refused> {
    named(told.artifacts(), told.provenance_id)?;
    let clean = ArtifactSuspect { cascade_id: cascade(told.cascade_id.as_ref())?, ..told.clone() };
    Ok(Order { wish: Wish::Suspect(clean), reason: without_nul(&told.reason) })
}

fn cleared(told: &ArtifactCleared) -> Result<Order, Refused> {
    let artifact_ids = named(told.artifacts(), told.provenance_id)?;
    let wish = Wish::Clear { artifact_ids, provenance_id: told.provenance_id };
    Ok(Order { wish, reason: without_nul(&told.reason) })
}

fn checkpoint(wanted: &CheckpointRequested) -> Result<Order, Refused> {
    let wanted = CheckpointRequested {
        description: without_nul(&wanted.description),
        trigger: clean(wanted.trigger.as_ref(), "trigger")?,
        ..wanted.clone()
    };
    Ok(Order { reason: wanted.description.clone(), wish: Wish::Checkpoint(wanted) })
}

fn named(names: Vec<&ArtifactId>, record: Option<ProvenanceId>) -> Result<Vec<ArtifactId>, Refused> {
    if names.is_empty() && record.is_none() {
        return Err(Refused::NamesNothing);
    }
    Ok(names.into_iter().cloned().collect())
}

fn cascade(told: Option<&String>) -> Result<Option<String>, Refused> {
    Ok(clean(told, "cascade_id")?.filter(|id| !id.is_empty()))
}
