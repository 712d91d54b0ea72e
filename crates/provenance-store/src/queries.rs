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
pub use get_record::get_record;
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
use protocol::provenance_query::ProvenanceQuery;
use serde_json::Value;
use service_runtime::database::StoreError;
use thiserror::Error;

use crate::checkpoints;
use crate::graph::{Direction, Limits, Start, find_start};
use crate::integrity;
use crate::interchange::document::export_artifact;
use crate::interchange::export::export_page;
use crate::interchange::import::import_lines;
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

/// The answer in the shape that its operation has.
///
/// # Errors
/// If there is nothing of that id, the question makes no sense, or the database does not answer.
pub async fn answer(
    conn: &mut AsyncPgConnection,
    query: ProvenanceQuery,
    desk: &Desk,
) -> Result<Answer, Unanswered> {
    let mut follow = Vec::new();
    let limits = desk.graph;
    let (query, sight) = match query {
        ProvenanceQuery::Within { projects, query } => (*query, Sight::Within(projects)),
        query => (query, Sight::Everything),
    };
    let value = match query {
        ProvenanceQuery::GetRecord { id } => json(&get_record(conn, &id).await?),
        ProvenanceQuery::ProjectHealth { project_id } => json(&get_project_health(conn, &project_id).await?),
        ProvenanceQuery::FindMarkTarget { id } => json(&get_mark_target(conn, &id).await?),
        ProvenanceQuery::ClearMarks { id, reason } => {
            json(&clear_marks(conn, &id, &reason, desk, &mut follow).await?)
        }
        ProvenanceQuery::ImportLines { first_line, lines, dry_run } => {
            let imported = import_lines(conn, first_line, lines, dry_run, desk).await?;
            follow.extend(imported.follow);
            json(&imported.lines)
        }
        ProvenanceQuery::ExportArtifact { id, format } => {
            export_artifact(conn, &id, format, desk.now, &sight).await
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
        ProvenanceQuery::AnalyzeImpact(query) => json(&analyze_impact(conn, query, limits, &sight).await?),
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

/// Where a walk begins for that id.
async fn start_of(conn: &mut AsyncPgConnection, id: &str) -> Result<Start, Unanswered> {
    let found = find_start(conn, id).await?;
    found.ok_or_else(|| Unanswered::NotFound(format!("no record and no artifact by the id {id:?}")))
}

fn json(answer: &impl serde::Serialize) -> Result<Value, Unanswered> {
    serde_json::to_value(answer)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}
