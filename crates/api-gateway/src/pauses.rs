//! Pausing a project or a tier: nothing new is released there until somebody resumes it; what runs goes on. Once a
//! pause is answered no release is under way any more that has not seen it: a project is paused under the lock of its
//! row, and tiers under a lock that every release shares.
//!
//! A tier is known of tasks that pin it or were routed before; those are not released. Any other is released with the
//! names of the paused tiers, and comes back from routing when one of these is where it would go.

pub(crate) mod store;

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::vocabulary::Tier;
use protocol::{ProjectId, Timestamp};
use service_runtime::database::StoreError;
use tracing::info;

use crate::tasks::TaskService;

/// Why and since when something is paused.
#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Why, if somebody said.
    pub reason: Option<String>,
    /// Who did it, where that is known.
    pub by: Option<String>,
}

impl Pause {
    /// In words, for `what` that is paused.
    pub(crate) fn sentence(&self, what: &str) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{what} is paused since {}{by}{reason}", self.since)
    }
}

/// Why somebody pauses something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PauseRequest {
    /// In words.
    pub reason: Option<String>,
    /// Who it is, where that is known.
    pub by: Option<String>,
}

/// Pauses a project; pausing a paused one only changes why. `None` if there is no such project.
///
/// # Errors
/// When the store does not answer.
pub async fn pause_project(
    service: &TaskService,
    project: &ProjectId,
    request: &PauseRequest,
) -> Result<Option<Pause>, StoreError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let pause = store::pause_project(&mut conn, project, request, now).await?;
    info!(project.id = %project, "the project is paused");
    Ok(pause)
}

/// Resumes a project, paused or not; tells whether there is one.
///
/// # Errors
/// When the store does not answer.
pub async fn resume_project(service: &TaskService, project: &ProjectId) -> Result<bool, StoreError> {
    let mut conn = service.connection().await?;
    let known = store::resume_project(&mut conn, project).await?;
    drop(conn);
    info!(project.id = %project, "the project is resumed");
    service.nudges().admission.add([project.clone()]);
    Ok(known)
}

/// Pauses a tier; pausing a paused one only changes why.
///
/// # Errors
/// When the store does not answer.
pub async fn pause_tier(
    service: &TaskService,
    tier: &Tier,
    request: &PauseRequest,
) -> Result<Pause, StoreError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let pause = conn
        .transaction::<_, DieselError, _>(async |conn| {
            store::await_releases(conn).await?;
            store::pause_tier(conn, tier, request, now).await
        })
        .await?;
    info!(tier = %tier, "the tier is paused");
    Ok(pause)
}

/// Resumes a tier, paused or not.
///
/// # Errors
/// When the store does not answer.
pub async fn resume_tier(service: &TaskService, tier: &Tier) -> Result<(), StoreError> {
    let mut conn = service.connection().await?;
    store::resume_tier(&mut conn, tier).await?;
    drop(conn);
    info!(tier = %tier, "the tier is resumed");
    service.nudges().admission.everywhere();
    Ok(())
}

/// The tiers that are paused.
///
/// # Errors
/// When the store does not answer.
pub async fn list_paused_tiers(service: &TaskService) -> Result<Vec<(Tier, Pause)>, StoreError> {
    let mut conn = service.connection().await?;
    Ok(store::list_paused_tiers(&mut conn).await?)
}

/// The project's pause, if it is paused; `None` as well if there is no such project.
///
/// # Errors
/// When the store does not answer.
pub async fn find_project_pause(
    service: &TaskService,
    project: &ProjectId,
) -> Result<Option<Pause>, StoreError> {
    let mut conn = service.connection().await?;
    Ok(store::find_project_pause(&mut conn, project).await?)
}
