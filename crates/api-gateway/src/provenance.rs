//! Questions to the provenance-store, by request and reply over the broker.

mod together;
pub(crate) mod transfer;

use std::time::Duration;

use messaging::{RpcClient, RpcError};
use protocol::events::{CheckpointRequested, RollbackCompleted};
use protocol::provenance_query::graph::{
    ImpactQuery, ImpactView, LineageQuery, LineageView, ReachedPage, ReachedQuery, RootCauseView,
};
use protocol::provenance_query::integrity::{VerifyPage, VerifyQuery};
use protocol::provenance_query::records::{ListRecordsQuery, RecordPage};
use protocol::provenance_query::spend::ProjectSummary;
use protocol::provenance_query::{
    CheckpointView, Clearing, ExportCursor, ExportFormat, ExportedPage, ImportedLines, MarkTargetView,
    ProjectHealth, ProvenanceQuery, ProvenanceReply, QueryError, QueryErrorCode, RecordView,
};
use protocol::topology::PROVENANCE_QUERY_QUEUE;
use protocol::{CheckpointId, EventId, ProjectId};
use serde::de::DeserializeOwned;
use thiserror::Error;
use uuid::Uuid;

use self::together::RecordReader;

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum ProvenanceError {
    /// The provenance-store did not answer in time.
    #[error("the provenance-store did not answer in time")]
    Timeout,
    /// The broker or the provenance-store's database is away; try again.
    #[error("the provenance-store cannot be reached: {0}")]
    Unavailable(String),
    /// The provenance-store does not know the operation, or failed at it.
    #[error("the provenance-store refused: {0}")]
    Refused(String),
    /// The answer has not the shape that was agreed.
    #[error("the provenance-store's answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// Asks the provenance-store. Clones share one connection.
#[derive(Clone)]
pub struct ProvenanceClient {
    rpc: RpcClient,
    records: RecordReader,
    timeout: Duration,
    import_timeout: Duration,
    within: Option<Vec<ProjectId>>,
}

impl ProvenanceClient {
    /// A client that waits at most `timeout` for each answer, and at most `import_timeout` for what became of a
    /// batch of an import. Call it on the service's runtime.
    #[must_use]
    pub fn new(rpc: RpcClient, timeout: Duration, import_timeout: Duration) -> Self {
        let records = RecordReader::start(rpc.clone(), timeout);
        Self { rpc, records, timeout, import_timeout, within: None }
    }

    /// The same for somebody who may see these projects only, where it is about the graph; `None` for all.
    #[must_use]
    pub fn within(&self, projects: Option<&[ProjectId]>) -> Self {
        Self { within: projects.map(<[ProjectId]>::to_vec), ..self.clone() }
    }

    /// The record of a provenance id, an artifact id or a task id, tried in this order.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn find_record(&self, id: String) -> Result<Option<RecordView>, ProvenanceError> {
        self.records.find(id).await
    }

    /// Counts for a project's health; all zero for a project without records.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn project_health(&self, project_id: ProjectId) -> Result<ProjectHealth, ProvenanceError> {
        let found = self.ask(&ProvenanceQuery::ProjectHealth { project_id }).await?;
        found.ok_or_else(|| ProvenanceError::Refused("no such project".to_owned()))
    }

    /// Imports lines; `first_line` is the place of the first in the whole import. Repeated within one import, they are
    /// answered as they were the first time.
    async fn import_lines(
        &self,
        import_id: Uuid,
        first_line: u64,
        lines: Vec<String>,
        dry_run: bool,
    ) -> Result<ImportedLines, ProvenanceError> {
        let query = ProvenanceQuery::ImportLines { import_id: Some(import_id), first_line, lines, dry_run };
        let found = self.call(&query, self.import_timeout).await?;
        found.ok_or_else(|| ProvenanceError::Refused("it cannot import".to_owned()))
    }

    /// The page of a project's export that follows `after`, or the first.
    async fn export_page(
        &self,
        project_id: ProjectId,
        after: Option<ExportCursor>,
    ) -> Result<ExportedPage, ProvenanceError> {
        let found = self.ask(&ProvenanceQuery::ExportPage { project_id, after }).await?;
        found.ok_or_else(|| ProvenanceError::Refused("it cannot export".to_owned()))
    }

    /// The document about the artifact, record or task of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn export_artifact(
        &self,
        id: String,
        format: ExportFormat,
    ) -> Result<Option<serde_json::Value>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::ExportArtifact { id, format }).await
    }

    /// Records by filter, newest first.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn list_records(&self, query: ListRecordsQuery) -> Result<RecordPage, ProvenanceError> {
        self.ask(&ProvenanceQuery::ListRecords(query)).await?.ok_or_else(unexpected)
    }

    /// What was made from an artifact; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn list_dependents(&self, query: ReachedQuery) -> Result<Option<ReachedPage>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::ListDependents(query)).await
    }

    /// What an artifact was made from; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn list_dependencies(
        &self,
        query: ReachedQuery,
    ) -> Result<Option<ReachedPage>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::ListDependencies(query)).await
    }

    /// Everything that an artifact has an effect on; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn analyze_impact(&self, query: ImpactQuery) -> Result<Option<ImpactView>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::AnalyzeImpact(query)).await
    }

    /// What an artifact's trouble began with; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn find_root_cause(&self, id: String) -> Result<Option<RootCauseView>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::FindRootCause { id }).await
    }

    /// An artifact's graph in both directions; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn get_lineage(&self, query: LineageQuery) -> Result<Option<LineageView>, ProvenanceError> {
        self.ask_within(ProvenanceQuery::GetLineage(query)).await
    }

    /// A project's health and spend; all zero for a project without records.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn summarize_project(&self, project_id: ProjectId) -> Result<ProjectSummary, ProvenanceError> {
        self.ask(&ProvenanceQuery::SummarizeProject { project_id }).await?.ok_or_else(unexpected)
    }

    /// A portion of the verification of a project's records; `None` if there is no such place to go on from.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn verify_project(&self, query: VerifyQuery) -> Result<Option<VerifyPage>, ProvenanceError> {
        self.ask(&ProvenanceQuery::VerifyProject(query)).await
    }

    /// What somebody means who wants to mark something.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn find_mark_target(&self, id: String) -> Result<Option<MarkTargetView>, ProvenanceError> {
        self.ask(&ProvenanceQuery::FindMarkTarget { id }).await
    }

    /// Takes the marks off what has this id; `None` if nothing has. The withdrawn events are not followed when they come.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn clear_marks(
        &self,
        id: String,
        reason: String,
        withdrawn: Vec<EventId>,
    ) -> Result<Option<Clearing>, ProvenanceError> {
        self.ask(&ProvenanceQuery::ClearMarks { id, reason, withdrawn }).await
    }

    /// Makes a checkpoint; asked again with the same id, it is the same.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn create_checkpoint(
        &self,
        id: CheckpointId,
        project_id: ProjectId,
        description: String,
    ) -> Result<CheckpointView, ProvenanceError> {
        let wanted = CheckpointRequested { checkpoint_id: Some(id), project_id, description, trigger: None };
        self.must(&ProvenanceQuery::CreateCheckpoint(wanted)).await
    }

    /// The newest checkpoints of a project.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn list_checkpoints(
        &self,
        project_id: ProjectId,
    ) -> Result<Vec<CheckpointView>, ProvenanceError> {
        self.must(&ProvenanceQuery::ListCheckpoints { project_id }).await
    }

    /// What a return to the checkpoint would change; `None` if there is no such checkpoint.
    ///
    /// # Errors
    /// See [`ProvenanceError`].
    pub async fn preview_rollback(
        &self,
        id: CheckpointId,
    ) -> Result<Option<RollbackCompleted>, ProvenanceError> {
        self.ask(&ProvenanceQuery::PreviewRollback { checkpoint_id: id }).await
    }

    /// Asks what always has an answer.
    async fn must<T: DeserializeOwned>(&self, query: &ProvenanceQuery) -> Result<T, ProvenanceError> {
        let found = self.ask(query).await?;
        found.ok_or_else(|| ProvenanceError::Refused("it finds nothing".to_owned()))
    }

    /// Asks about the graph, which leads from project to project.
    async fn ask_within<T: DeserializeOwned>(
        &self,
        query: ProvenanceQuery,
    ) -> Result<Option<T>, ProvenanceError> {
        match self.within.clone() {
            Some(projects) => self.ask(&ProvenanceQuery::Within { projects, query: Box::new(query) }).await,
            None => self.ask(&query).await,
        }
    }

    async fn ask<T: DeserializeOwned>(&self, query: &ProvenanceQuery) -> Result<Option<T>, ProvenanceError> {
        self.call(query, self.timeout).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        query: &ProvenanceQuery,
        timeout: Duration,
    ) -> Result<Option<T>, ProvenanceError> {
        let request = serde_json::to_vec(query)?;
        let reply = self.rpc.call(PROVENANCE_QUERY_QUEUE, request, timeout).await.map_err(failure)?;
        read_reply(&reply)
    }
}

/// The answer to a question that is never about something that may not exist.
fn unexpected() -> ProvenanceError {
    ProvenanceError::Refused("nothing was found".to_owned())
}

fn failure(error: RpcError) -> ProvenanceError {
    match error {
        RpcError::Timeout => ProvenanceError::Timeout,
        RpcError::Unavailable(why) => ProvenanceError::Unavailable(why.to_owned()),
    }
}

/// `None` when nothing of that id exists.
fn read_reply<T: DeserializeOwned>(reply: &[u8]) -> Result<Option<T>, ProvenanceError> {
    match serde_json::from_slice(reply)? {
        ProvenanceReply::Result(value) => Ok(Some(value)),
        ProvenanceReply::Error(QueryError { code, message }) => match code {
            QueryErrorCode::NotFound => Ok(None),
            QueryErrorCode::Unavailable => Err(ProvenanceError::Unavailable(message)),
            QueryErrorCode::InvalidArguments | QueryErrorCode::Internal => {
                Err(ProvenanceError::Refused(message))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reply: &str) -> Result<Option<ProjectHealth>, ProvenanceError> {
        read_reply(reply.as_bytes())
    }

    #[test]
    fn a_reply_is_an_answer_nothing_or_an_error() {
        let health = r#"{"result":{"tainted":1,"suspect":2,"pending_revalidation":0,"recommended_action":"continue"}}"#;
        assert_eq!(read(health).unwrap().unwrap().suspect, 2);
        assert_eq!(read(r#"{"error":{"code":"not_found","message":"no"}}"#).unwrap(), None);
        let away = read(r#"{"error":{"code":"unavailable","message":"database"}}"#);
        assert!(matches!(away, Err(ProvenanceError::Unavailable(_))));
        let broken = read(r#"{"error":{"code":"internal","message":"bug"}}"#);
        assert!(matches!(broken, Err(ProvenanceError::Refused(_))));
        assert!(matches!(read("[]"), Err(ProvenanceError::Unreadable(_))));
    }
}
