//! Reads one checkpoint of `checkpoints.json`.

use protocol::ProjectId;
use serde_json::Value;

use super::event_file::{digest_of, required};
use super::members::{Members, Repairs, Unreadable};
use super::naming;

/// A checkpoint as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileCheckpoint {
    pub(super) id: String,
    pub(super) project: ProjectId,
    pub(super) digest: [u8; 32],
    pub(super) repairs: Repairs,
}

impl FileCheckpoint {
    /// Reads a checkpoint. Whether it is still valid may change later and is not part of the digest.
    pub(super) fn read(body: &str) -> Result<Self, Unreadable> {
        let body: Value =
            serde_json::from_str(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
        let Value::Object(object) = &body else { return Err(Unreadable("must be an object".to_owned())) };
        let mut repairs = Repairs::default();
        let checkpoint = Members::new(object, "");
        let id = required(&checkpoint, "id", &mut repairs)?;
        let name = required(&checkpoint, "project_id", &mut repairs)?;
        let project = naming::project(&name).unwrap_or_default();
        if project.as_str() != name {
            repairs.note(format!("project_id: taken as {project}"));
        }
        if checkpoint.time("created_at")?.is_none() {
            return Err(Unreadable("created_at: must be an ISO 8601 time".to_owned()));
        }
        let mut lasting = object.clone();
        lasting.remove("is_valid");
        Ok(Self { id, project, digest: digest_of(&Value::Object(lasting))?, repairs })
    }
}
