//! What a database error means to the caller: try again later, somebody else was first, or a bug.

use std::error::Error;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

use super::PoolError;

/// How the server begins its message when the trouble is its own and passes: shutting down, starting
/// up, out of connections, disk or memory, or a limit was hit. The driver hands on no error code.
const TROUBLE_OF_THE_SERVER: [&str; 11] = [
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
    "cannot execute",
];
/// The same for trouble between two transactions.
const TROUBLE_BETWEEN_TRANSACTIONS: [&str; 3] =
    ["deadlock detected", "could not obtain lock", "could not serialize access"];

/// Why a store could not do what it was asked. The texts are for logs; the public hears less.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row is not there.
    #[error("not found")]
    NotFound,
    /// The database is away or overloaded; the same call may succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Another transaction was first; the same call may succeed when repeated.
    #[error("another transaction was first")]
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
            Self::Unavailable(_) | Self::Conflict(_) => true,
            Self::NotFound | Self::Internal(_) => false,
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

/// Whether the database is away, going away, or has no room: the same call may succeed later.
#[must_use]
pub fn is_unavailable(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction => true,
            _ => begins_with(information.as_ref(), &TROUBLE_OF_THE_SERVER),
        },
        DieselError::BrokenTransactionManager => true,
        DieselError::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_unavailable(rollback_error) || is_unavailable(commit_error)
        }
        _ => false,
    }
}

/// Whether another transaction was first: a key is taken, or the two got in each other's way.
#[must_use]
pub fn is_conflict(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ExclusionViolation
            | DatabaseErrorKind::SerializationFailure => true,
            _ => begins_with(information.as_ref(), &TROUBLE_BETWEEN_TRANSACTIONS),
        },
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_conflict(commit_error),
        _ => false,
    }
}

fn begins_with(information: &dyn DatabaseErrorInformation, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| information.message().starts_with(beginning))
}
