//! Counters: proves that each project's counters are the sum over its tasks, one project per pass, and repairs them
//! where they are not. They are kept by the transitions in the same transactions, so a repair means a bug: it is told.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use metrics::counter;
use protocol::ProjectId;
use service_runtime::database::StoreError;
use tracing::error;

use super::schedule::{Pass, Reconciler};
use crate::metrics::COUNTER_REPAIRS;
use crate::projects::audit::{Drift, find_project_after, list_drift, recount};
use crate::projects::store::lock_projects;
use crate::tasks::TaskService;

/// Counting a project of a million tasks takes a second: proofs must never be what the database is busy with.
const REST_PER_WORK: u32 = 100;

/// See the module.
pub(crate) struct Counters {
    /// What it works with.
    pub(crate) service: TaskService,
    /// How long until the next project.
    pub(crate) interval: Duration,
    /// The project that was looked at last; empty before the first.
    pub(crate) last: String,
    /// How long to leave the database alone after that one.
    pub(crate) rest: Duration,
}

#[async_trait]
impl Reconciler for Counters {
    const NAME: &'static str = "counters";

    fn interval(&self) -> Duration {
        self.interval.max(self.rest)
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        let mut conn = self.service.connection().await?;
        let next = find_project_after(&mut conn, &self.last).await?;
        drop(conn);
        self.last = next.unwrap_or_default();
        let started = Instant::now();
        if !self.last.is_empty() {
            repair_counters(&self.service, &self.last).await?;
        }
        self.rest = started.elapsed() * REST_PER_WORK;
        Ok(Pass::Settled { next: None })
    }
}

/// Repairs what is wrong with the project's counters; tells what was.
pub(crate) async fn repair_counters(service: &TaskService, project: &str) -> Result<Vec<Drift>, StoreError> {
    let mut conn = service.connection().await?;
    if list_drift(&mut conn, project).await?.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(id) = ProjectId::new(project) else { return Ok(Vec::new()) };
    let drift = conn
        .transaction::<_, DieselError, _>(async |conn| {
            lock_projects(conn, &[&id]).await?;
            let drift = list_drift(conn, project).await?;
            recount(conn, project).await?;
            Ok(drift)
        })
        .await?;
    drop(conn);
    for Drift { counter, kept, counted } in &drift {
        error!(
            project.id = project,
            counter, kept, counted, "a counter of a project was wrong and is repaired"
        );
        let name = if counter.starts_with("tier ") { "tier".to_owned() } else { counter.clone() };
        counter!(COUNTER_REPAIRS, "counter" => name).increment(1);
    }
    service.nudges().admission.add([id]);
    Ok(drift)
}
