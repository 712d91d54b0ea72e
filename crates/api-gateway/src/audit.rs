//! The audit log: who called what over REST, when, in which trace, and what was answered. An answer goes out when
//! its entry is durable: it is stored with the change itself, or by itself with those that wait at the same moment.

mod entry;
mod recorder;
mod store;

pub(crate) use entry::{AuditEntry, AuditFilter, RecordedEntry};
pub(crate) use recorder::Recorder;
pub(crate) use store::{delete_before, insert_entries};
