//! Projects: limits, counters, and what their tasks begin with. The counters are kept by the transitions of the
//! project's tasks, in the same transaction, so that no request ever counts a large table.

pub(crate) mod audit;
pub(crate) mod catalogue;
pub(crate) mod counters;
pub(crate) mod defaults;
pub(crate) mod project;
pub(crate) mod store;
