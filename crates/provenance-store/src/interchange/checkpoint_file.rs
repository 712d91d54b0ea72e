//! Reads one checkpoint of `checkpoints.json`.

use protocol::events::JsonObject;
use protocol::{ProjectId, Timestamp};
use serde_json::Value;

use super::event_file::{digest_of, required};
use super::members::{Members, Repairs, Unreadable};
use super::naming;

/// A checkpoint as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileCheckpoint {
    pub(super) id: String,
    pub(super) project: ProjectId,
    pub(super) created_at: Timestamp,
    pub(super) provenance_count: u64,
    /// The last record, as files name it.
    pub(super) last_record: Option<String>,
    /// The last task, as files name it.
    pub(super) last_task: Option<String>,
    pub(super) description: String,
    pub(super) trigger: Option<String>,
    pub(super) is_valid: bool,
    pub(super) digest: [u8; 32],
    pub(super) repairs: Repairs,
}

impl FileCheckpoint {
    /// Reads a checkpoint; `key` names it where it does not tell its own id. Whether it is still valid may change later
    /// and is not part of the digest.
    pub(super) fn read(body: &str, key: Option<&str>) -> Result<Self, Unreadable> {
        let body: Value =
            serde_json::from_str(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
        let Value::Object(object) = &body else { return Err(Unreadable("must be an object".to_owned())) };
        let mut repairs = Repairs::default();
        let checkpoint = Members::new(object, "");
        let id = match key.filter(|_| has_no_id(object)) {
            Some(key) => {
                repairs.note("id: missing, taken from its key");
                required(&Members::new(&named(key), ""), "id", &mut repairs)?
            }
            None => required(&checkpoint, "id", &mut repairs)?,
        };
        let name = required(&checkpoint, "project_id", &mut repairs)?;
        let project = naming::project(&name).unwrap_or_default();
        if project.as_str() != name {
            repairs.note(format!("project_id: taken as {project}"));
        }
        let Some(created_at) = checkpoint.time("created_at")? else {
            return Err(Unreadable("created_at: must be an ISO 8601 time".to_owned()));
        };
        let provenance_count = checkpoint.count("provenance_count", &mut repairs).unwrap_or_default();
        Ok(Self {
            id,
            project,
            created_at,
            provenance_count,
            last_record: checkpoint.text("last_provenance_id", &mut repairs),
            last_task: checkpoint.text("last_task_id", &mut repairs),
            description: checkpoint.text("description", &mut repairs).unwrap_or_default(),
            trigger: checkpoint.text("trigger", &mut repairs),
            is_valid: !object.contains_key("is_valid") || checkpoint.truth("is_valid", &mut repairs),
            digest: Self::lasting_digest(object)?,
            repairs,
        })
    }

    /// What has to be told beside `body` so that it is read as the checkpoint of that id again.
    pub(super) fn key_of<'a>(body: &str, id: &'a str) -> Option<&'a str> {
        let body: JsonObject = serde_json::from_str(body).ok()?;
        has_no_id(&body).then_some(id)
    }

    /// The digest of a checkpoint as files have it.
    pub(super) fn lasting_digest(checkpoint: &JsonObject) -> Result<[u8; 32], Unreadable> {
        let mut lasting = checkpoint.clone();
        lasting.remove("is_valid");
        digest_of(&Value::Object(lasting))
    }
}

fn has_no_id(checkpoint: &JsonObject) -> bool {
    checkpoint.get("id").is_none_or(|id| id.is_null() || id == "")
}

fn named(key: &str) -> JsonObject {
    JsonObject::from_iter([("id".to_owned(), Value::from(key))])
}
