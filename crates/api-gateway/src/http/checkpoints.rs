//! Checkpoints and rollbacks: one file per endpoint.

pub(crate) mod create;
pub(crate) mod get_rollback;
pub(crate) mod list;
pub(crate) mod rollback;
mod view;
