//! SQL of the graph's nodes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::Artifact;
use protocol::{ArtifactId, EventId};
use uuid::Uuid;

use super::Outputs;
use crate::records::Produced;
use crate::records::rows::unreadable;
use crate::schema::artifacts;
use crate::statement::statement;

#[derive(Queryable, Selectable)]
#[diesel(table_name = artifacts, check_for_backend(Pg))]
struct VersionRow {
    artifact_id: String,
    position: i32,
    artifact_type: String,
    path: Option<String>,
    language: Option<String>,
    checksum: Option<String>,
    size_bytes: Option<i64>,
    content_matches: Option<bool>,
    produced_at: Option<DateTime<Utc>>,
    reported_by: Option<Uuid>,
}

impl VersionRow {
    fn produced(self) -> QueryResult<Produced> {
        let artifact = Artifact {
            artifact_id: ArtifactId::new(self.artifact_id).map_err(unreadable)?,
            artifact_type: self.artifact_type,
            path: self.path,
            language: self.language,
            checksum: self.checksum,
            size_bytes: self.size_bytes.map(u64::try_from).transpose().map_err(unreadable)?,
        };
        Ok(Produced {
            artifact,
            content_matches: self.content_matches,
            produced_at: self.produced_at.unwrap_or_default().into(),
            reported_by: EventId(self.reported_by.unwrap_or_default()),
            position: u32::try_from(self.position).map_err(unreadable)?,
        })
    }
}

/// What these records produced.
pub async fn list_outputs(
    conn: &mut AsyncPgConnection,
    producers: &[i64],
) -> QueryResult<HashMap<i64, Outputs>> {
    let mut outputs: HashMap<i64, Outputs> = HashMap::new();
    if producers.is_empty() {
        return Ok(outputs);
    }
    let found: Vec<(Option<i64>, VersionRow)> = artifacts::table
        .filter(artifacts::producer_seq.eq_any(producers))
        .select((artifacts::producer_seq, VersionRow::as_select()))
        .load(conn)
        .await?;
    for (producer, row) in found {
        let Some(producer) = producer else { continue };
        let produced = row.produced()?;
        outputs.entry(producer).or_default().insert(produced.artifact.artifact_id.clone(), produced);
    }
    Ok(outputs)
}

statement!(
    /// Writes versions. A node of the same name without a producer is taken over, and with it every edge that
    /// leads from it: what was used before its producer was heard of turns out to be this version.
    struct SaveOutputs {
        producer_seq: Vec<i64> as Array<BigInt>,
        artifact_id: Vec<String> as Array<Text>,
        position: Vec<i32> as Array<Integer>,
        artifact_type: Vec<String> as Array<Text>,
        path: Vec<Option<String>> as Array<Nullable<Text>>,
        language: Vec<Option<String>> as Array<Nullable<Text>>,
        checksum: Vec<Option<String>> as Array<Nullable<Text>>,
        size_bytes: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        produced_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        reported_by: Vec<Uuid> as Array<SqlUuid>,
        content_matches: Vec<Option<bool>> as Array<Nullable<Bool>>,
    }
    "WITH told AS (
        SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS told (
            producer_seq, artifact_id, position, artifact_type, path, language, checksum, size_bytes,
            produced_at, reported_by, content_matches)
     ), taken_over AS (
        UPDATE artifacts SET
            producer_seq = told.producer_seq, position = told.position, artifact_type = told.artifact_type,
            path = told.path, language = told.language, checksum = told.checksum,
            size_bytes = told.size_bytes, produced_at = told.produced_at, reported_by = told.reported_by,
            content_matches = told.content_matches
        FROM (SELECT DISTINCT ON (artifact_id) * FROM told ORDER BY artifact_id, produced_at, reported_by) told
        WHERE artifacts.artifact_id = told.artifact_id AND artifacts.producer_seq IS NULL
        RETURNING artifacts.id, artifacts.producer_seq, artifacts.artifact_id
     ), written AS (
        INSERT INTO artifacts (
            producer_seq, artifact_id, position, artifact_type, path, language, checksum, size_bytes,
            produced_at, reported_by, content_matches)
        SELECT * FROM told
        WHERE (producer_seq, artifact_id) NOT IN (SELECT producer_seq, artifact_id FROM taken_over)
        ON CONFLICT (producer_seq, artifact_id) DO UPDATE SET
            position = EXCLUDED.position, artifact_type = EXCLUDED.artifact_type, path = EXCLUDED.path,
            language = EXCLUDED.language, checksum = EXCLUDED.checksum, size_bytes = EXCLUDED.size_bytes,
            produced_at = EXCLUDED.produced_at, reported_by = EXCLUDED.reported_by,
            content_matches = EXCLUDED.content_matches
        RETURNING id
     )
     SELECT id FROM taken_over UNION ALL SELECT id FROM written"
);

/// A node's surrogate id.
#[derive(QueryableByName)]
struct NodeId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Writes these versions, new or described anew; gives their node ids.
pub async fn save_outputs(conn: &AsyncPgConnection, outputs: Vec<(i64, Produced)>) -> QueryResult<Vec<i64>> {
    let mut save = SaveOutputs::default();
    for (producer, produced) in outputs {
        let artifact = produced.artifact;
        save.producer_seq.push(producer);
        save.artifact_id.push(artifact.artifact_id.into());
        save.position.push(i32::try_from(produced.position).unwrap_or(i32::MAX));
        save.artifact_type.push(artifact.artifact_type);
        save.path.push(artifact.path);
        save.language.push(artifact.language);
        save.checksum.push(artifact.checksum);
        save.size_bytes.push(artifact.size_bytes.and_then(|size| i64::try_from(size).ok()));
        save.produced_at.push(produced.produced_at.to_utc());
        save.reported_by.push(produced.reported_by.as_uuid());
        save.content_matches.push(produced.content_matches);
    }
    if save.producer_seq.is_empty() {
        return Ok(Vec::new());
    }
    let nodes: Vec<NodeId> = save.load(&mut &*conn).await?;
    Ok(nodes.into_iter().map(|node| node.id).collect())
}

statement!(
    /// Makes nodes for artifacts that nobody is known to have produced.
    struct EnsureNodes { artifact_id: Vec<String> as Array<Text> }
    "INSERT INTO artifacts (artifact_id)
     SELECT DISTINCT used.artifact_id FROM UNNEST($1) AS used (artifact_id)
     WHERE NOT EXISTS (SELECT FROM artifacts WHERE artifacts.artifact_id = used.artifact_id)"
);

/// Makes sure that each of these artifacts has a node.
pub async fn ensure_nodes(conn: &mut AsyncPgConnection, artifact_id: Vec<String>) -> QueryResult<()> {
    if !artifact_id.is_empty() {
        EnsureNodes { artifact_id }.execute(conn).await?;
    }
    Ok(())
}
