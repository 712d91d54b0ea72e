//! One record, by whichever id the asker has.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::RecordView;
use uuid::Uuid;

use super::Unanswered;
use super::record_row::{FoundRow, select_records};
use crate::interchange;
use crate::statement::statement;

statement!(
    /// A record by its own id, else by an artifact that it produced, else by its task; of several the newest.
    struct FindRecord {
        provenance_id: Uuid as SqlUuid,
        artifact_id: String as Text,
        task_id: Uuid as SqlUuid,
    }
    concat!(select_records!(), "WHERE record.seq = COALESCE(
        (SELECT seq FROM provenance_records WHERE provenance_id = $1),
        (SELECT producer_seq FROM artifacts WHERE artifact_id = $2 AND producer_seq IS NOT NULL
            ORDER BY produced_at DESC, reported_by DESC LIMIT 1),
        (SELECT seq FROM provenance_records WHERE task_id = $3 ORDER BY attempt DESC, seq DESC LIMIT 1))")
);

/// The record with this provenance id (or this name, if it came from a file), else the newest that produced an
/// artifact of this id, else the newest of the task with this id.
///
/// # Errors
/// If there is none, or the database does not answer.
pub async fn get_record(conn: &mut AsyncPgConnection, id: &str) -> Result<RecordView, Unanswered> {
    let not_found = || Unanswered::NotFound(format!("no record by provenance, artifact or task id {id:?}"));
    if id.contains('\0') {
        return Err(not_found());
    }
    let find = FindRecord {
        provenance_id: interchange::record_uuid(id),
        artifact_id: id.to_owned(),
        task_id: interchange::task_uuid(id),
    };
    let row: Option<FoundRow> = find.get_result(conn).await.optional()?;
    Ok(row.ok_or_else(not_found)?.view()?)
}
