//! Watching tasks: a WebSocket per trace, server-sent events per task. Both show a snapshot first and then every
//! change; both are cut off when their reader is too slow, and end when the service stops.
//! Browsers cannot set headers on a WebSocket: whoever checks keys takes that of `?api_key=` there as well.

mod event;
mod message;
mod origin;
mod session;
pub(crate) mod socket;
pub(crate) mod stream;

pub use origin::AllowedOrigins;

use super::problem::ApiError;
use crate::live::SubscribeError;

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Full | SubscribeError::Stopping | SubscribeError::Unavailable => {
                Self::unavailable(error.to_string())
            }
        }
    }
}
