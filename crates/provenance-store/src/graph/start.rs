//! From the id that somebody has to the nodes where a walk begins.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::interchange;
use crate::statement::statement;

/// Where a walk begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The artifact; of a record with several outputs its main one, of a record without any the id that was asked.
    pub artifact_id: String,
    /// The version that was named, or every output of the record that was named.
    pub nodes: Vec<i64>,
    /// The record that produced it; none for what nobody is known to have produced.
    pub producer: Option<i64>,
}

statement!(
    /// A record by its own id, with its outputs, the main one first.
    struct FindByRecord { provenance_id: Uuid as SqlUuid }
    "SELECT record.seq AS producer_seq, node.id, node.artifact_id FROM provenance_records record
     LEFT JOIN artifacts node ON node.producer_seq = record.seq
     WHERE record.provenance_id = $1 ORDER BY node.produced_at, node.reported_by, node.position"
);

statement!(
    /// The newest version of an artifact.
    struct FindByArtifact { artifact_id: String as Text }
    "SELECT producer_seq, id, artifact_id FROM artifacts WHERE artifact_id = $1
     ORDER BY produced_at DESC NULLS LAST, reported_by DESC LIMIT 1"
);

statement!(
    /// The newest record of a task, with its outputs, the main one first.
    struct FindByTask { task_id: Uuid as SqlUuid }
    "SELECT record.seq AS producer_seq, node.id, node.artifact_id
     FROM (SELECT seq FROM provenance_records WHERE task_id = $1 ORDER BY attempt DESC, seq DESC LIMIT 1) record
     LEFT JOIN artifacts node ON node.producer_seq = record.seq
     ORDER BY node.produced_at, node.reported_by, node.position"
);

#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    producer_seq: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    artifact_id: Option<String>,
}

/// Where to begin for a provenance id, else for an artifact id (its newest version), else for a task id (its newest
/// record); `None` if it is none of these.
///
/// # Errors
/// The database's.
pub async fn find_start(conn: &mut AsyncPgConnection, id: &str) -> QueryResult<Option<Start>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let found: Vec<NodeRow> = FindByRecord { provenance_id: interchange::record_uuid(id) }.load(conn).await?;
    if let Some(start) = start(id, &found) {
        return Ok(Some(start));
    }
    let found: Vec<NodeRow> = FindByArtifact { artifact_id: id.to_owned() }.load(conn).await?;
    if let Some(start) = start(id, &found) {
        return Ok(Some(start));
    }
    let found: Vec<NodeRow> = FindByTask { task_id: interchange::task_uuid(id) }.load(conn).await?;
    Ok(start(id, &found))
}

fn start(asked: &str, rows: &[NodeRow]) -> Option<Start> {
    let main = rows.first()?;
    Some(Start {
        artifact_id: main.artifact_id.clone().unwrap_or_else(|| asked.to_owned()),
        producer: main.producer_seq,
        nodes: rows.iter().filter_map(|row| row.id).collect(),
    })
}
