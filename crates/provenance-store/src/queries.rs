//! Answers to questions: each is a read or two by key, never a scan. A few are requests to change something, which
//! are answered when it is done.

mod get_record;
mod marks;
mod project_health;

pub use get_record::get_record;
pub use marks::{clear_marks, get_mark_target};
pub use project_health::get_project_health;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use messaging::OutboxEntry;
use protocol::provenance_query::ProvenanceQuery;
use serde_json::Value;
use service_runtime::database::StoreError;
use thiserror::Error;

use crate::interchange::export::export_page;
use crate::interchange::import::import_lines;
use crate::marks::MarkRules;

/// What requests to change something need besides the database.
#[derive(Debug, Clone, Copy)]
pub struct Desk {
    /// What holds for every mark.
    pub marks: MarkRules,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// An answer, and what follows where the question was a request.
#[derive(Debug)]
pub struct Answer {
    /// In the shape of its operation.
    pub value: Value,
    /// Events to publish; they are in the outbox already.
    pub follow: Vec<OutboxEntry>,
}

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
pub async fn answer(
    conn: &mut AsyncPgConnection,
    query: ProvenanceQuery,
    desk: &Desk,
) -> Result<Answer, Unanswered> {
    let mut follow = Vec::new();
    let value = match query {
        ProvenanceQuery::GetRecord { id } => json(&get_record(conn, &id).await?),
        ProvenanceQuery::ProjectHealth { project_id } => json(&get_project_health(conn, &project_id).await?),
        ProvenanceQuery::FindMarkTarget { id } => json(&get_mark_target(conn, &id).await?),
        ProvenanceQuery::ClearMarks { id, reason } => {
            json(&clear_marks(conn, &id, &reason, desk, &mut follow).await?)
        }
        ProvenanceQuery::ImportLines { first_line, lines } => {
            json(&import_lines(conn, first_line, lines, desk.now).await?)
        }
        ProvenanceQuery::ExportPage { project_id, after } => {
            json(&export_page(conn, &project_id, after).await?)
        }
    }?;
    Ok(Answer { value, follow })
}

fn json(answer: &impl serde::Serialize) -> Result<Value, Unanswered> {
    serde_json::to_value(answer)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}
