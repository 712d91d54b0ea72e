//! Answers to questions: each is a read or two by key, never a scan.

mod get_record;
mod project_health;

pub use get_record::get_record;
pub use project_health::get_project_health;

use diesel_async::AsyncPgConnection;
use protocol::provenance_query::ProvenanceQuery;
use serde_json::Value;
use service_runtime::database::StoreError;
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Unanswered {
    /// Nothing of that id; in words.
    #[error("{0}")]
    NotFound(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for Unanswered {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The answer in the shape that its operation has.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn answer(conn: &mut AsyncPgConnection, query: ProvenanceQuery) -> Result<Value, Unanswered> {
    match query {
        ProvenanceQuery::GetRecord { id } => json(&get_record(conn, &id).await?),
        ProvenanceQuery::ProjectHealth { project_id } => json(&get_project_health(conn, &project_id).await?),
    }
}

fn json(answer: &impl serde::Serialize) -> Result<Value, Unanswered> {
    serde_json::to_value(answer)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}
