//! `/agents`: who takes work by its type, as their heartbeats tell. Reading only: agents announce themselves.

pub(crate) mod get;
pub(crate) mod list;
mod view;
