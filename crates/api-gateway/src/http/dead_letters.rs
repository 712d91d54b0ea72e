//! `/dead-letters`: what nobody could handle, listed, driven again and deleted.

pub(crate) mod list;
pub(crate) mod purge;
pub(crate) mod redrive;
mod selection;
mod view;

use messaging::DeadLetterError;

use super::problem::ApiError;

/// The broker is away, or went away meanwhile.
fn refusal(error: DeadLetterError) -> ApiError {
    ApiError::unavailable("the broker does not answer").caused_by(error)
}
