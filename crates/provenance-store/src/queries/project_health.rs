//! How a project is doing, by its counters.

use diesel_async::AsyncPgConnection;
use protocol::ProjectId;
use protocol::provenance_query::{ProjectHealth, RecommendedAction};

use super::Unanswered;
use crate::project_counters::find_counts;

/// A project's health. One without any record is healthy: whether it exists is the gateway's to say.
///
/// # Errors
/// The database's.
pub async fn get_project_health(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
) -> Result<ProjectHealth, Unanswered> {
    let counts = find_counts(conn, project_id.as_str()).await?.unwrap_or_default();
    let [records, tainted, suspect] = [counts.records, counts.tainted, counts.suspect]
        .map(|count| u64::try_from(count).unwrap_or_default());
    Ok(ProjectHealth {
        tainted,
        suspect,
        // Every suspect waits to be looked at again.
        pending_revalidation: suspect,
        recommended_action: RecommendedAction::advise(records, tainted, suspect),
    })
}
