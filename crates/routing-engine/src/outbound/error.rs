//! Why an outside service gave no answer. The texts end up in the reasons on a task, so they name no address.

use thiserror::Error;
use tracing::debug;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// Not asked: it failed too often just now.
    #[error("it failed repeatedly and is left alone for a while")]
    Resting,
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("it could not be reached")]
    Unreachable,
    /// It answered that it failed itself, with this HTTP status.
    #[error("it failed with status {0}")]
    Failed(u16),
    /// It answered that the question is wrong, with this HTTP status.
    #[error("it refused the question with status {0}")]
    Refused(u16),
    /// It answered with something that is not the answer to the question.
    #[error("its answer could not be understood")]
    Unreadable,
    /// It answered with more than this many bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

impl OutboundError {
    /// Whether the same question may be answered a moment later. One that took too long is not asked again: the
    /// service would have to do the same work twice, and the task would wait twice.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable | Self::Failed(_) => true,
            Self::Resting | Self::TimedOut | Self::Refused(_) | Self::Unreadable | Self::TooLong(_) => false,
        }
    }

    /// Whether it counts for the breaker. A refusal does not: a service that refuses is alive.
    pub(super) const fn speaks_against_the_service(&self) -> bool {
        match self {
            Self::TimedOut | Self::Unreachable | Self::Failed(_) | Self::Unreadable | Self::TooLong(_) => {
                true
            }
            Self::Resting | Self::Refused(_) => false,
        }
    }
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        debug!(error = %error, "A call to an outside service failed");
        if error.is_timeout() { Self::TimedOut } else { Self::Unreachable }
    }
}
