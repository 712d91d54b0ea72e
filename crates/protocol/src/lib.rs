//! The wire of DATS Orchestration as types: identifiers, vocabularies, events, queue topology and error codes.
//! Pure: nothing here does I/O, reads a clock or makes a random choice that a caller cannot replace.

pub mod envelope;
pub mod error_code;
pub mod events;
pub mod ids;
pub mod provenance_query;
pub mod text;
pub mod timestamp;
pub mod topology;
pub mod trace_context;
pub mod vocabulary;

pub use envelope::{DecodeError, Event, Incoming, WireMessage};
pub use error_code::ErrorCode;
pub use events::{EventData, EventKind, Exchange};
pub use ids::{
    AgentId, ArtifactId, CheckpointId, EventId, ProjectId, ProvenanceId, RequestId, RollbackId, TaskId,
    TraceId,
};
pub use timestamp::Timestamp;
