//! Watching tasks: a WebSocket per trace, server-sent events per task. Both show a snapshot first and then every
//! change; both are cut off when their reader is too slow, and end when the service stops.
//! Browsers cannot set headers on a WebSocket: whoever checks keys takes that of `?api_key=` there as well.

mod event;
mod message;
mod origin;
mod session;
pub(crate) mod socket;
pub(crate) mod stream;

use std::time::Duration;

use self::origin::AllowedOrigins;
use super::problem::ApiError;
use crate::live::{LiveSettings, SubscribeError};

/// What holds for every WebSocket.
#[derive(Debug, Clone)]
pub struct SocketRules {
    origins: AllowedOrigins,
    ping_every: Duration,
}

impl From<&LiveSettings> for SocketRules {
    fn from(settings: &LiveSettings) -> Self {
        let origins = settings.allowed_origins.clone().into();
        Self { origins, ping_every: Duration::from_secs(settings.ping_seconds) }
    }
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Full | SubscribeError::Stopping | SubscribeError::Unavailable => {
                Self::unavailable(error.to_string())
            }
        }
    }
}
