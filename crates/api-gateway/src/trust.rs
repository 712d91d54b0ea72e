//! Which inputs can be trusted: artifacts that were found wrong hold the tasks that would use them, and a rollback
//! runs tasks again. The provenance-store owns the marks; what lies here is what the releasing statement looks at.

pub(crate) mod marking;
pub(crate) mod notices;
pub(crate) mod obstacles;
pub(crate) mod release;
pub(crate) mod rollbacks;
pub(crate) mod store;

pub(crate) use notices::{Noted, Notice, Notices};
