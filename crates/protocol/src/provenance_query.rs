//! Request and reply between gateway and provenance-store (`provenance.query`), and the record as users see it.

pub mod graph;
pub mod integrity;
mod interchange;
pub mod records;
pub mod spend;

pub use interchange::{
    ExportCursor, ExportFormat, ExportKind, ExportedPage, ImportOutcome, ImportedLine, ImportedLines,
};

use graph::{ImpactQuery, LineageQuery, ReachedQuery};
use integrity::VerifyQuery;
use records::ListRecordsQuery;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::events::{Artifact, ArtifactStanding, CheckpointRequested, Input, JsonObject};
use crate::ids::{ArtifactId, CheckpointId, EventId, ProjectId, ProvenanceId, TaskId};
use crate::timestamp::Timestamp;
use crate::vocabulary::VerificationStatus;

/// What the gateway asks. On the wire `{"operation": "...", "arguments": {...}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", content = "arguments", rename_all = "snake_case")]
pub enum ProvenanceQuery {
    /// One record, by provenance id, artifact id or task id, tried in this order.
    GetRecord {
        /// Any of the three.
        id: String,
    },
    /// Several records at once, each looked up like a single one. The answer is a list with a [`ProvenanceReply`] for
    /// each id, in their order, as if each had been asked for alone.
    GetRecords {
        /// Provenance ids, artifact ids or task ids; at most [`MOST_RECORDS_AT_ONCE`].
        ids: Vec<String>,
    },
    /// What somebody means who wants to mark something: looked up like a record. The answer is a [`MarkTargetView`].
    FindMarkTarget {
        /// A provenance id, artifact id or task id.
        id: String,
    },
    /// Takes the marks off a record, or off an artifact that nobody produced. The answer is a [`Clearing`].
    ClearMarks {
        /// A provenance id, artifact id or task id.
        id: String,
        /// Why.
        reason: String,
        /// Events that say it is wrong and may still be on their way: they are not to be followed any more.
        #[serde(default)]
        withdrawn: Vec<EventId>,
    },
    /// Makes a checkpoint. The answer is a [`CheckpointView`].
    CreateCheckpoint(CheckpointRequested),
    /// The newest checkpoints of a project. The answer is a list of [`CheckpointView`].
    ListCheckpoints {
        /// Which project.
        project_id: ProjectId,
    },
    /// What a return to a checkpoint would change. The answer is the data of `rollback.completed`.
    PreviewRollback {
        /// Which checkpoint.
        checkpoint_id: CheckpointId,
    },
    /// Counts for a project's health.
    ProjectHealth {
        /// Which project.
        project_id: ProjectId,
    },
    /// Takes in lines of an import; the answer is [`ImportedLines`].
    ImportLines {
        /// Names the import: a line that is sent again within it is answered as it was the first time.
        #[serde(default)]
        import_id: Option<Uuid>,
        /// Place of the first line in the whole import, from 1.
        first_line: u64,
        /// The lines as they came, without line breaks.
        lines: Vec<String>,
        /// Only tell what would become of them.
        dry_run: bool,
    },
    /// The next lines of a project's export; the answer is an [`ExportedPage`].
    ExportPage {
        /// Which project.
        project_id: ProjectId,
        /// Where the page before ended.
        after: Option<ExportCursor>,
    },
    /// Records by filter, newest first.
    ListRecords(ListRecordsQuery),
    /// What was made from an artifact.
    ListDependents(ReachedQuery),
    /// What an artifact was made from.
    ListDependencies(ReachedQuery),
    /// Everything that an artifact has an effect on.
    AnalyzeImpact(ImpactQuery),
    /// What an artifact's trouble began with.
    FindRootCause {
        /// Provenance id, artifact id or task id.
        id: String,
    },
    /// An artifact's graph in both directions.
    GetLineage(LineageQuery),
    /// A project's health and spend.
    SummarizeProject {
        /// Which project.
        project_id: ProjectId,
    },
    /// Whether a project's records are what was written.
    VerifyProject(VerifyQuery),
    /// A question about the graph by somebody who may see these projects only: the answer shows what their records
    /// made, and what these used that nobody made.
    Within {
        /// The projects.
        projects: Vec<ProjectId>,
        /// The question; not another one of this kind.
        query: Box<ProvenanceQuery>,
    },
    /// The document about one artifact and what it was built on; the answer is JSON of the format.
    ExportArtifact {
        /// Provenance id, artifact id or task id, tried in this order.
        id: String,
        /// In which form.
        format: ExportFormat,
    },
}

/// Most ids of one [`ProvenanceQuery::GetRecords`].
pub const MOST_RECORDS_AT_ONCE: usize = 128;

/// What the provenance-store answers. On the wire `{"result": ...}` or `{"error": {...}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvenanceReply<T = Value> {
    /// The operation's own shape.
    Result(T),
    /// Why there is no result.
    Error(QueryError),
}

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryError {
    /// What kind of error.
    pub code: QueryErrorCode,
    /// For people.
    pub message: String,
}

/// What kind of error a query ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryErrorCode {
    /// Nothing of that id.
    NotFound,
    /// The arguments make no sense, or the operation is not known to this version.
    InvalidArguments,
    /// The store's database is away; try again.
    Unavailable,
    /// A bug.
    Internal,
}

/// A provenance record as `GET /provenance/{id}` shows it (contract 1.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// Its id.
    pub id: ProvenanceId,
    /// The task.
    pub task_id: TaskId,
    /// The project, where known.
    pub project_id: Option<ProjectId>,
    /// The attempt.
    pub attempt: u32,
    /// State of its verification.
    pub status: VerificationStatus,
    /// The model that was used.
    pub model_used: Option<String>,
    /// The worker or agent.
    pub worker_id: Option<String>,
    /// The tier.
    pub tier: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// When the record was written.
    pub created_at: Timestamp,
    /// When the work began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Tokens read.
    pub tokens_input: Option<u64>,
    /// Tokens written.
    pub tokens_output: Option<u64>,
    /// Duration in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// The worker's own confidence, 0 to 1.
    pub confidence: Option<f64>,
    /// What the tokens cost, where that is known.
    #[serde(default)]
    pub cost: Option<RecordCost>,
    /// What was produced.
    pub outputs: Vec<RecordOutput>,
    /// What was used.
    pub inputs_consumed: Vec<Input>,
    /// Verdict and its details.
    pub verification: JsonObject,
    /// Marks.
    pub taint: TaintView,
}

/// What an attempt cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCost {
    /// In millionths of the currency unit.
    pub micro_units: u64,
    /// The price list that it was taken from.
    pub price_version: String,
}

/// An artifact that was produced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordOutput {
    /// As its producer describes it.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// Whether its content has the checksum that was told; absent where no content came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_verified: Option<bool>,
}

/// A record's marks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaintView {
    /// Found wrong.
    pub is_tainted: bool,
    /// When.
    pub tainted_at: Option<Timestamp>,
    /// Why.
    pub tainted_reason: Option<String>,
    /// Built on something found wrong.
    pub is_suspect: bool,
    /// Since when.
    pub suspect_since: Option<Timestamp>,
    /// The artifact that led to it.
    pub suspect_source: Option<String>,
    /// The cascade that marked it.
    pub cascade_id: Option<String>,
}

/// Versions of artifacts that can be marked, and how they are marked now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkTargetView {
    /// Their record; none for an artifact that nobody produced.
    pub provenance_id: Option<ProvenanceId>,
    /// Their names: the one that was asked for, or everything that the record produced.
    pub artifact_ids: Vec<ArtifactId>,
    /// Those of the names of which no newer version is known.
    pub newest: Vec<ArtifactId>,
    /// Whether all of them are tainted, with everything built on them suspect.
    pub is_tainted: bool,
    /// The cascade that marked them.
    pub cascade_id: Option<String>,
    /// How the artifacts of these names stand; none from a store of the version before.
    #[serde(default)]
    pub standing: Option<ArtifactStanding>,
}

/// What came of clearing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    /// What was meant: the artifact, or the id that was asked for.
    pub artifact_id: String,
    /// Whether there was anything to clear.
    pub cleared: bool,
    /// How the artifacts stand since; none from a store of the version before.
    #[serde(default)]
    pub standing: Option<ArtifactStanding>,
}

/// A point in a project's record order that can be returned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointView {
    /// Its id.
    pub checkpoint_id: CheckpointId,
    /// Of which project.
    pub project_id: ProjectId,
    /// In words.
    pub description: String,
    /// `auto`, `manual` or `milestone`.
    pub trigger: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Records of the project up to it.
    pub provenance_count: u64,
    /// The last of them.
    pub last_provenance_id: Option<ProvenanceId>,
    /// That one's task.
    pub last_task_id: Option<TaskId>,
    /// Whether it can be returned to.
    pub is_valid: bool,
}

/// A project's health as its records tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectHealth {
    /// Tainted records.
    pub tainted: u64,
    /// Suspect records.
    pub suspect: u64,
    /// Suspects that wait for a new verdict.
    pub pending_revalidation: u64,
    /// What a careful operator would do now.
    pub recommended_action: RecommendedAction,
}

/// What a careful operator would do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecommendedAction {
    /// Go on.
    Continue,
    /// Release nothing new until the marks are looked at.
    Pause,
    /// Return to a checkpoint.
    Rollback,
}

impl RecommendedAction {
    /// The rule: over 30% of the records tainted means rollback, over 20 suspect or 5 tainted ones mean pause.
    #[must_use]
    pub const fn advise(records: u64, tainted: u64, suspect: u64) -> Self {
        if tainted * 10 > records * 3 {
            Self::Rollback
        } else if suspect > 20 || tainted > 5 {
            Self::Pause
        } else {
            Self::Continue
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_the_shape_of_the_contract() {
        let query = ProvenanceQuery::GetRecord { id: "a".to_owned() };
        let json = serde_json::to_value(&query).unwrap();
        assert_eq!(json, serde_json::json!({"operation": "get_record", "arguments": {"id": "a"}}));
    }

    #[test]
    fn advice_follows_the_thresholds() {
        assert_eq!(RecommendedAction::advise(0, 0, 0), RecommendedAction::Continue);
        assert_eq!(RecommendedAction::advise(10, 3, 0), RecommendedAction::Continue);
        assert_eq!(RecommendedAction::advise(10, 4, 0), RecommendedAction::Rollback);
        assert_eq!(RecommendedAction::advise(1000, 6, 0), RecommendedAction::Pause);
        assert_eq!(RecommendedAction::advise(1000, 0, 21), RecommendedAction::Pause);
    }
}
