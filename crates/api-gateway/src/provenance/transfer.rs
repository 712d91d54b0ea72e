//! Imports and exports of many records: batch by batch, so that their length does not matter.

use std::time::Duration;

use protocol::ProjectId;
use protocol::provenance_query::{ExportCursor, ExportedPage, ImportedLine};
use service_runtime::backoff::Backoff;
use service_runtime::database::StoreError;
use thiserror::Error;
use tracing::warn;
use uuid::Uuid;

use super::{ProvenanceClient, ProvenanceError};
use crate::projects::store::insert_missing_projects;
use crate::tasks::TaskService;

/// How often a batch is tried once the client has begun to hear answers: giving up in the middle costs it more than
/// waiting does, and nothing is done twice.
const PATIENT_TRIES: u32 = 6;
const FIRST_DELAY: Duration = Duration::from_millis(400);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Why a transfer cannot go on.
#[derive(Debug, Error)]
pub(crate) enum TransferError {
    /// The provenance-store.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// Our own database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TransferError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Provenance(ProvenanceError::Timeout | ProvenanceError::Unavailable(_)) => true,
            Self::Provenance(ProvenanceError::Refused(_) | ProvenanceError::Unreadable(_)) => false,
            Self::Store(error) => error.is_retryable(),
        }
    }
}

/// Who moves records in and out.
#[derive(Clone)]
pub(crate) struct Transfer {
    client: ProvenanceClient,
    tasks: TaskService,
}

impl Transfer {
    /// Moves records between clients and the provenance-store.
    pub(crate) const fn new(client: ProvenanceClient, tasks: TaskService) -> Self {
        Self { client, tasks }
    }

    /// Imports a batch of an import, and makes the projects that it needs. `patiently` waits out what passes.
    pub(crate) async fn import(
        &self,
        import_id: Uuid,
        first_line: u64,
        lines: &[String],
        dry_run: bool,
        patiently: bool,
    ) -> Result<Vec<ImportedLine>, TransferError> {
        retry(patiently, || self.import_once(import_id, first_line, lines.to_vec(), dry_run)).await
    }

    async fn import_once(
        &self,
        import_id: Uuid,
        first_line: u64,
        lines: Vec<String>,
        dry_run: bool,
    ) -> Result<Vec<ImportedLine>, TransferError> {
        let imported = self.client.import_lines(import_id, first_line, lines, dry_run).await?;
        if !imported.projects.is_empty() {
            let projects: Vec<&ProjectId> = imported.projects.iter().collect();
            let mut conn = self.tasks.connection().await?;
            insert_missing_projects(&mut conn, &projects).await.map_err(StoreError::from)?;
        }
        Ok(imported.lines)
    }

    /// The next page of a project's export that has any lines; the last may have none.
    pub(crate) async fn export(
        &self,
        project: &ProjectId,
        mut after: Option<ExportCursor>,
        patiently: bool,
    ) -> Result<ExportedPage, TransferError> {
        loop {
            let page = retry(patiently, || async {
                Ok::<_, TransferError>(self.client.export_page(project.clone(), after).await?)
            })
            .await?;
            match page.next {
                Some(next) if page.lines.is_empty() => after = Some(next),
                _ => return Ok(page),
            }
        }
    }
}

async fn retry<T, Trying>(patiently: bool, attempt: impl Fn() -> Trying) -> Result<T, TransferError>
where
    Trying: Future<Output = Result<T, TransferError>>,
{
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    let mut tries = if patiently { PATIENT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match attempt().await {
            Err(error) if tries > 0 && error.may_pass() => {
                warn!(%error, "a batch of records could not be moved; it is tried again");
                tokio::time::sleep(backoff.next_delay()).await;
            }
            outcome => return outcome,
        }
    }
}
