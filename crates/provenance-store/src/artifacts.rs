//! The graph of artifacts. A node is a version: an artifact id together with the record that produced it, or
//! alone while no producer is known. An edge leads from each input of a record to each of its outputs.

pub mod edges;
pub mod store;

use std::collections::BTreeMap;

use protocol::ArtifactId;

use crate::records::Produced;

/// What a record produced, by artifact id.
pub type Outputs = BTreeMap<ArtifactId, Produced>;
