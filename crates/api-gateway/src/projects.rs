//! Projects: limits and counters. The counters are kept by the transitions of the project's tasks, in the same
//! transaction, so that no request ever counts a large table.

pub(crate) mod counters;
pub(crate) mod store;
