//! `/provenance`: one file per endpoint.

pub(crate) mod export_project;
pub(crate) mod get;
pub(crate) mod import;
