//! In and out: files of the earlier system become records and are written back as they were, and any record can be
//! written in that form or as W3C PROV. Rule: what a file says is kept word for word beside what we read from it,
//! so nothing is lost by members that we do not know; what cannot be read is refused whole, with the reason.

mod checkpoint_file;
pub mod document;

mod event_file;
pub mod export;
mod file_names;
pub mod import;
mod iso_time;
pub(crate) mod kept;
mod line;
mod lineage;
mod made_here;
mod members;
mod naming;
mod native;
mod prov;

mod record_file;
mod settled;
mod store;
mod trust;

pub(crate) use naming::{record_uuid, task_uuid};

#[cfg(test)]
mod tests;
