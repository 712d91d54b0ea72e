//! `/provenance`: one file per endpoint.

pub(crate) mod get;
