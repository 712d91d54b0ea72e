//! When there is no answer at all.

use std::error::Error;

use crate::failure::{Exit, Failure};

/// Nobody answered, or not in time, or the answer broke off.
pub(super) fn unreachable(api_url: &str, error: &reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        return Failure::new(Exit::Timeout, format!("{api_url} did not answer in time"))
            .hint("Ask again, or wait longer with --timeout SECONDS.");
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = if error.is_connect() { "cannot be reached" } else { "stopped answering" };
    Failure::new(Exit::Unavailable, format!("{api_url} {what}: {cause}"))
        .hint("Does the gateway run there? Another one is named with --api-url or DATS_API_URL.")
}
