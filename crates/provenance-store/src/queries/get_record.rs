//! Records, by whichever ids the askers have: one, or many with a single statement.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Text};
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

statement!(
    /// Several records, each found as a single one is; says which of the names led to it. How many there are is hidden
    /// from the planner, which would plan anew for every small number of them.
    struct FindRecords {
        provenance_id: Vec<Uuid> as Array<SqlUuid>,
        artifact_id: Vec<String> as Array<Text>,
        task_id: Vec<Uuid> as Array<SqlUuid>,
    }
    concat!(select_records!("named.place, "), "
     JOIN (
        SELECT name.place, COALESCE(
            (SELECT seq FROM provenance_records WHERE provenance_id = name.provenance_id),
            (SELECT producer_seq FROM artifacts WHERE artifact_id = name.artifact_id AND producer_seq IS NOT NULL
                ORDER BY produced_at DESC, reported_by DESC LIMIT 1),
            (SELECT seq FROM provenance_records WHERE task_id = name.task_id ORDER BY attempt DESC, seq DESC LIMIT 1)
        ) AS seq
        FROM UNNEST((SELECT $1), (SELECT $2), (SELECT $3)) WITH ORDINALITY AS name (provenance_id, artifact_id, task_id, place)
     ) named USING (seq)")
);

#[derive(QueryableByName)]
struct NamedRow {
    /// From 1.
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(embed)]
    found: FoundRow,
}

/// The record with this provenance id (or this name, if it came from a file), else the newest that produced an
/// artifact of this id, else the newest of the task with this id.
///
/// # Errors
/// If there is none, or the database does not answer.
pub async fn get_record(conn: &mut AsyncPgConnection, id: &str) -> Result<RecordView, Unanswered> {
    if id.contains('\0') {
        return Err(not_found(id));
    }
    let find = FindRecord {
        provenance_id: interchange::record_uuid(id),
        artifact_id: id.to_owned(),
        task_id: interchange::task_uuid(id),
    };
    let row: Option<FoundRow> = find.get_result(conn).await.optional()?;
    Ok(row.ok_or_else(|| not_found(id))?.view()?)
}

/// As [`get_record`], for each of the ids: what comes of one is nothing to the others.
///
/// # Errors
/// If the database does not answer.
pub async fn get_records(
    conn: &mut AsyncPgConnection,
    ids: &[String],
) -> Result<Vec<Result<RecordView, Unanswered>>, Unanswered> {
    let mut find = FindRecords::default();
    for id in ids {
        // No name that the database can hold has such a character; without it, it is no such name either.
        let artifact_id = if id.contains('\0') { String::new() } else { id.clone() };
        find.provenance_id.push(interchange::record_uuid(id));
        find.artifact_id.push(artifact_id);
        find.task_id.push(interchange::task_uuid(id));
    }
    let rows: Vec<NamedRow> = find.load(conn).await?;
    let mut found: HashMap<i64, FoundRow> = rows.into_iter().map(|row| (row.place, row.found)).collect();
    let answer = |(place, id): (i64, &String)| -> Result<RecordView, Unanswered> {
        let row = found.remove(&place).filter(|_| !id.contains('\0')).ok_or_else(|| not_found(id))?;
        Ok(row.view()?)
    };
    Ok((1..).zip(ids).map(answer).collect())
}

fn not_found(id: &str) -> Unanswered {
    Unanswered::NotFound(format!("no record by provenance, artifact or task id {id:?}"))
}
