//! Checkpoints: points in a project's record order that can be returned to. Made on request, and by themselves after
//! so many records or so much time. The newest few are kept valid. Everything here that writes runs under the graph
//! writer's lock, so that the record order stands still meanwhile.

pub(crate) mod imported;
pub mod rollback;
mod store;

pub use rollback::{preview_rollback, roll_back};
pub use store::list_checkpoints;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::try_join;
use messaging::OutboxEntry;
use protocol::events::{CheckpointCreated, CheckpointRequested};
use protocol::provenance_query::CheckpointView;
use protocol::{CheckpointId, EventId, ProjectId};

use crate::marks::Cause;

/// When checkpoints are made by themselves, and how many can be returned to. From settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointRules {
    /// After so many records; never when absent.
    pub every_records: Option<u32>,
    /// After so many hours in which there was a record; never when absent.
    pub every_hours: Option<u32>,
    /// How many of a project are valid; all when absent.
    pub kept: Option<u32>,
}

/// What made a checkpoint that nobody asked for.
const AUTO: &str = "auto";
/// What made one where nobody said.
const MANUAL: &str = "manual";

/// Makes the checkpoint, unless there is one of that id. Gives it, and the event that tells of it.
///
/// # Errors
/// The database's.
pub async fn create_checkpoint(
    conn: &mut AsyncPgConnection,
    wanted: &CheckpointRequested,
    cause: &Cause<'_>,
    rules: CheckpointRules,
) -> QueryResult<(CheckpointView, Vec<OutboxEntry>)> {
    let derived =
        || cause.event.map_or_else(EventId::generate, |event| EventId::derived(event.id, "checkpoint"));
    let id = wanted.checkpoint_id.unwrap_or_else(|| CheckpointId(derived().as_uuid()));
    // An id that was made just now is nobody's yet.
    let may_be_known = wanted.checkpoint_id.is_some() || cause.event.is_some();
    if may_be_known && let Some(known) = store::find_checkpoint(conn, id).await? {
        return Ok((known.view()?, Vec::new()));
    }
    let trigger = wanted.trigger.as_deref().unwrap_or(MANUAL);
    let row = store::insert_checkpoint(conn, id, &wanted.project_id, &wanted.description, trigger, cause.now)
        .await?;
    let project = wanted.project_id.as_str();
    let surplus = store::mark_surplus_invalid(conn, project, rules.kept);
    try_join!(surplus, store::mark_checkpointed(conn, project, cause.now))?;
    let view = row.view()?;
    let created = CheckpointCreated {
        checkpoint_id: view.checkpoint_id,
        project_id: view.project_id.clone(),
        description: view.description.clone(),
        trigger: Some(view.trigger.clone()),
        provenance_count: view.provenance_count,
    };
    let entry = cause.event(&id.to_string(), created)?;
    Ok((view, vec![entry]))
}

/// Those of the projects that have got enough records for another checkpoint.
///
/// # Errors
/// The database's.
pub async fn list_due(
    conn: &AsyncPgConnection,
    projects: &[String],
    rules: CheckpointRules,
) -> QueryResult<Vec<String>> {
    match rules.every_records {
        Some(every) if !projects.is_empty() => {
            store::list_due_by_records(conn, projects, i64::from(every)).await
        }
        _ => Ok(Vec::new()),
    }
}

/// Makes checkpoints of projects for which one is due by the number of records.
///
/// # Errors
/// The database's.
pub async fn take_due(
    conn: &mut AsyncPgConnection,
    due: Vec<String>,
    rules: CheckpointRules,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let Some(every) = rules.every_records else { return Ok(Vec::new()) };
    make_automatic(conn, due, &format!("after {every} records"), rules, now).await
}

/// Makes checkpoints where one is due by time.
///
/// # Errors
/// The database's.
pub async fn take_overdue(
    conn: &mut AsyncPgConnection,
    rules: CheckpointRules,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let Some(every) = rules.every_hours else { return Ok(Vec::new()) };
    let due = store::list_due_by_time(conn, now - TimeDelta::hours(i64::from(every)), now).await?;
    make_automatic(conn, due, &format!("after {every} hours"), rules, now).await
}

async fn make_automatic(
    conn: &mut AsyncPgConnection,
    projects: Vec<String>,
    description: &str,
    rules: CheckpointRules,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let mut entries = Vec::new();
    for project in projects {
        let Ok(project_id) = ProjectId::new(project) else { continue };
        let wanted = CheckpointRequested {
            checkpoint_id: None,
            project_id,
            description: description.to_owned(),
            trigger: Some(AUTO.to_owned()),
        };
        let cause = Cause { event: None, reason: description, now };
        entries.extend(create_checkpoint(conn, &wanted, &cause, rules).await?.1);
    }
    Ok(entries)
}
