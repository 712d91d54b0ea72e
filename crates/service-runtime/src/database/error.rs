//! What a database error means to the caller: try again later, somebody else was first, or a bug.

use std::error::Error;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

use super::PoolError;

/// How the server begins its message when the same statement may succeed later: it is shutting down,
/// starting up, out of connections, disk or memory, hit a limit, or two transactions got in each
/// other's way. The driver hands on no error code.
const PASSING_TROUBLE: [&str; 13] = [
    "terminating connection",
    "the database system is",
    "sorry, too many clients",
    "too many connections for",
    "remaining connection slots",
    "canceling statement due to",
    "could not extend file",
    "could not write",
    "out of memory",
    "out of shared memory",
    "deadlock detected",
    "could not obtain lock",
    "could not serialize access",
];

/// Why a store could not do what it was asked. The texts are for logs; the public hears less.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row is not there.
    #[error("not found")]
    NotFound,
    /// The database is away or overloaded, or another transaction was in the way; the same call may
    /// succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// There is such a row already: somebody else was first.
    #[error("there is such a row already")]
    Conflict(#[source] DieselError),
    /// A bug: the statement or its data are wrong.
    #[error("the database refused a statement")]
    Internal(#[source] DieselError),
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::NotFound | Self::Conflict(_) | Self::Internal(_) => false,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        if matches!(error, DieselError::NotFound) {
            Self::NotFound
        } else if is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else if is_conflict(&error) {
            Self::Conflict(error)
        } else {
            Self::Internal(error)
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Whether the same call may succeed later: the database is away, going away, has no room, or ended
/// this transaction in favour of another.
#[must_use]
pub fn is_unavailable(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::SerializationFailure => true,
            _ => is_passing(information.as_ref()),
        },
        DieselError::BrokenTransactionManager => true,
        DieselError::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_unavailable(rollback_error) || is_unavailable(commit_error)
        }
        _ => false,
    }
}

/// Whether there is a row already where this one should go.
#[must_use]
pub fn is_conflict(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, _) => {
            matches!(kind, DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ExclusionViolation)
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_conflict(commit_error),
        _ => false,
    }
}

fn is_passing(information: &dyn DatabaseErrorInformation) -> bool {
    PASSING_TROUBLE.iter().any(|beginning| information.message().starts_with(beginning))
}
