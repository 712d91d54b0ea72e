//! Answers to questions: reads by key, and walks through the graph that are bounded by settings; never a scan. A few
//! are requests to change something, which are answered when it is done.

mod checkpoints_asked;
mod get_record;
mod impact;
mod lineage;
mod list_records;
mod marks;
mod project_health;
mod project_summary;
mod reached;
mod record_row;
mod root_cause;
mod sight;

pub use checkpoints_asked::{create_checkpoint, preview_rollback};
pub use get_record::{get_record, get_records};
pub use impact::analyze_impact;
pub use lineage::get_lineage;
pub use list_records::list_records;
pub use marks::{clear_marks, get_mark_target};
pub use project_health::get_project_health;
pub use project_summary::summarize_project;
pub use reached::list_reached;
pub use root_cause::find_root_cause;
pub use sight::Sight;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use messaging::OutboxEntry;
use protocol::provenance_query::{
    MOST_RECORDS_AT_ONCE, ProvenanceQuery, ProvenanceReply, QueryError, QueryErrorCode, RecordView,
};
use serde_json::value::{RawValue, to_raw_value};
use service_runtime::database::StoreError;
use thiserror::Error;
use tracing::error;

use crate::checkpoints;
use crate::graph::{Direction, Limits, Start, find_start};
use crate::integrity;
use crate::interchange::document::export_artifact;
use crate::interchange::export::export_page;
use crate::interchange::import::{Portion, import_lines};
use crate::policy::Policy;

/// What answers need besides the database.
#[derive(Debug, Clone, Copy)]
pub struct Desk {
    /// What operators settle.
    pub policy: Policy,
    /// How far walks through the graph go.
    pub graph: GraphLimits,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// An answer, and what follows where the question was a request.
#[derive(Debug)]
pub struct Answer {
    /// JSON in the shape of its operation.
    pub value: Box<RawValue>,
    /// Events to publish; they are in the outbox already.
    pub follow: Vec<OutboxEntry>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Unanswered {
    /// Nothing of that id; in words.
    #[error("{0}")]
    NotFound(String),
    /// The question makes no sense; in words.
    #[error("{0}")]
    Invalid(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for Unanswered {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Unanswered {
    /// What the asker hears: whether trying again helps. Why a question failed is for the log.
    #[must_use]
    pub fn reply<T>(self) -> ProvenanceReply<T> {
        let (code, message) = match self {
            Self::NotFound(what) => (QueryErrorCode::NotFound, what),
            Self::Invalid(why) => (QueryErrorCode::InvalidArguments, why),
            Self::Store(cause) => {
                error!(error = %cause, cause = std::error::Error::source(&cause), "a question could not be answered");
                if cause.is_retryable() {
                    (QueryErrorCode::Unavailable, "the provenance database is not available".to_owned())
                } else {
                    (QueryErrorCode::Internal, "the question could not be answered".to_owned())
                }
            }
        };
        ProvenanceReply::Error(QueryError { code, message })
    }
}

/// How far walks through the graph go for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphLimits {
    /// Most nodes reached.
    pub nodes: usize,
    /// Most edges from the start.
    pub depth: u32,
}

impl GraphLimits {
    /// These limits, and no further than that depth.
    fn within(self, depth: Option<u32>) -> Limits {
        let depth = depth.map_or(self.depth, |depth| depth.min(self.depth));
        Limits { depth: Some(depth), nodes: Some(self.nodes), looks_behind: true }
    }

    /// Direct neighbours and nothing else: who asks for these does not ask what lies behind them.
    fn direct(self) -> Limits {
        Limits { depth: Some(1), nodes: Some(self.nodes), looks_behind: false }
    }
}

/// The answer in the shape that its operation has. Those that can do two things at once do so if there is a `second`
/// connection, see [`uses_two`].
///
/// # Errors
/// If there is nothing of that id, the question makes no sense, or the database does not answer.
pub async fn answer(
    conn: &mut AsyncPgConnection,
    second: Option<&mut AsyncPgConnection>,
    query: ProvenanceQuery,
    desk: &Desk,
) -> Result<Answer, Unanswered> {
    let mut follow = Vec::new();
    let limits = desk.graph;
    let (query, sight) = with_sight(query);
    let value = match query {
        ProvenanceQuery::GetRecord { id } => json(&get_record(conn, &id).await?),
        ProvenanceQuery::GetRecords { ids } => json(&answer_records(conn, &ids).await?),
        ProvenanceQuery::ProjectHealth { project_id } => json(&get_project_health(conn, &project_id).await?),
        ProvenanceQuery::FindMarkTarget { id } => json(&get_mark_target(conn, &id).await?),
        ProvenanceQuery::ClearMarks { id, reason, withdrawn } => {
            json(&clear_marks(conn, &id, &reason, &withdrawn, desk, &mut follow).await?)
        }
        ProvenanceQuery::ImportLines { import_id, first_line, lines, dry_run } => {
            let portion = Portion { import_id, first_line, lines };
            let imported = import_lines(conn, portion, dry_run, desk).await?;
            follow.extend(imported.follow);
            json(&imported.lines)
        }
        ProvenanceQuery::ExportArtifact { id, format } => {
            json(&export_artifact(conn, &id, format, desk.now, &sight).await?)
        }
        ProvenanceQuery::ExportPage { project_id, after } => {
            json(&export_page(conn, &project_id, after).await?)
        }
        ProvenanceQuery::ListRecords(query) => json(&list_records(conn, query).await?),
        ProvenanceQuery::ListDependents(query) => {
            json(&list_reached(conn, query, Direction::Dependents, limits, &sight).await?)
        }
        ProvenanceQuery::ListDependencies(query) => {
            json(&list_reached(conn, query, Direction::Dependencies, limits, &sight).await?)
        }
        ProvenanceQuery::AnalyzeImpact(query) => {
            json(&analyze_impact(conn, second, query, limits, &sight).await?)
        }
        ProvenanceQuery::FindRootCause { id } => json(&find_root_cause(conn, &id, limits, &sight).await?),
        ProvenanceQuery::GetLineage(query) => json(&get_lineage(conn, query, limits, &sight).await?),
        ProvenanceQuery::SummarizeProject { project_id } => {
            json(&summarize_project(conn, &project_id).await?)
        }
        ProvenanceQuery::VerifyProject(query) => json(&integrity::verify(conn, query).await?),
        ProvenanceQuery::CreateCheckpoint(wanted) => {
            json(&create_checkpoint(conn, wanted, desk, &mut follow).await?)
        }
        ProvenanceQuery::ListCheckpoints { project_id } => {
            json(&checkpoints::list_checkpoints(conn, &project_id).await?)
        }
        ProvenanceQuery::PreviewRollback { checkpoint_id } => {
            json(&preview_rollback(conn, checkpoint_id).await?)
        }
        ProvenanceQuery::Within { .. } => {
            Err(Unanswered::Invalid("a question is kept within projects once".to_owned()))
        }
    }?;
    Ok(Answer { value, follow })
}

/// The question itself, and how much of the graph whoever asks may see.
fn with_sight(query: ProvenanceQuery) -> (ProvenanceQuery, Sight) {
    match query {
        ProvenanceQuery::Within { projects, query } => (*query, Sight::Within(projects)),
        query => (query, Sight::Everything),
    }
}

/// Whether an answer comes sooner with a second connection.
#[must_use]
pub fn uses_two(query: &ProvenanceQuery) -> bool {
    match query {
        ProvenanceQuery::Within { query, .. } => matches!(**query, ProvenanceQuery::AnalyzeImpact(_)),
        query => matches!(query, ProvenanceQuery::AnalyzeImpact(_)),
    }
}

/// Where a walk begins for that id.
async fn start_of(conn: &mut AsyncPgConnection, id: &str) -> Result<Start, Unanswered> {
    let found = find_start(conn, id).await?;
    found.ok_or_else(|| Unanswered::NotFound(format!("no record and no artifact by the id {id:?}")))
}

/// A reply for each of the ids.
async fn answer_records(
    conn: &mut AsyncPgConnection,
    ids: &[String],
) -> Result<Vec<ProvenanceReply<RecordView>>, Unanswered> {
    if ids.len() > MOST_RECORDS_AT_ONCE {
        return Err(Unanswered::Invalid(format!("more than {MOST_RECORDS_AT_ONCE} records at once")));
    }
    let found = get_records(conn, ids).await?;
    Ok(found.into_iter().map(|found| found.map_or_else(Unanswered::reply, ProvenanceReply::Result)).collect())
}

/// Written once, into the reply as it leaves.
fn json(answer: &impl serde::Serialize) -> Result<Box<RawValue>, Unanswered> {
    to_raw_value(answer).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}
