//! What receivers are told about a status change.

use protocol::ProjectId;
use protocol::Timestamp;
use protocol::events::TaskStatusChanged;
use protocol::vocabulary::TaskStatus;
use serde::Serialize;

/// A status change on its way into the deliveries.
pub(crate) struct Announcement {
    /// Whose subscribers are told.
    pub(super) project_id: ProjectId,
    /// The new status.
    pub(super) status: TaskStatus,
    /// The body of the request, the same for all of them.
    pub(super) body: Vec<u8>,
}

/// The body as Standard Webhooks recommends it.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event_type: String,
    timestamp: Timestamp,
    data: &'a TaskStatusChanged,
}

impl Announcement {
    /// What is told of a change; the data are those of the event `task.status.<status>`.
    pub(crate) fn of(change: &TaskStatusChanged) -> serde_json::Result<Self> {
        let event_type = format!("task.status.{}", change.status.as_str());
        let body = serde_json::to_vec(&Body { event_type, timestamp: change.at, data: change })?;
        Ok(Self { project_id: change.project_id.clone(), status: change.status, body })
    }
}
