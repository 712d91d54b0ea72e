//! Whether the records are still what was written: every version of every record is a link in its project's chain of
//! hashes, and so is what was added to the account of marks. [`verify`] goes through chain, records, marks, edges and
//! imported files and tells what does not fit.

pub mod chain;
pub(crate) mod seals;
pub(crate) mod store;
pub mod verify;

pub use chain::{Cause, Hash, Link};
pub use verify::verify;
