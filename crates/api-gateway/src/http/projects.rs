//! `/projects`: one file per endpoint.

pub(crate) mod status;
