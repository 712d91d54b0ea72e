//! Lists of records.

use serde::{Deserialize, Serialize};

use super::RecordView;
use crate::ids::{ProjectId, TaskId};
use crate::timestamp::Timestamp;
use crate::vocabulary::VerificationStatus;

/// Records by filter, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListRecordsQuery {
    /// Which.
    pub filter: RecordFilter,
    /// Most records in the answer.
    pub limit: u32,
    /// Where the answer before ended.
    pub after: Option<RecordPlace>,
}

/// Which records; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordFilter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Of any of these projects.
    pub projects: Option<Vec<ProjectId>>,
    /// Of this task.
    pub task_id: Option<TaskId>,
    /// Of this status.
    pub status: Option<VerificationStatus>,
    /// Found wrong, or not.
    pub tainted: Option<bool>,
    /// Built on something found wrong, or not.
    pub suspect: Option<bool>,
    /// Made with this model.
    pub model_used: Option<String>,
    /// Written after this time.
    pub created_after: Option<Timestamp>,
    /// Written before this time.
    pub created_before: Option<Timestamp>,
}

/// A place in a list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// When the record was written,
    pub created_at: Timestamp,
    /// and its place in the record order.
    pub sequence: i64,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordPage {
    /// Newest first.
    pub records: Vec<RecordView>,
    /// Where the next page begins.
    pub next: Option<RecordPlace>,
}
