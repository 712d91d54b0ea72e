//! SQL of marks and of the columns that say what reaches a record.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::spread::Label;
use crate::records::projection::Marks;
use crate::schema::provenance_records;
use crate::statement::statement;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The number of the next mark or clearing; higher than any before.
pub(crate) async fn next_wave(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    let row: Number = diesel::sql_query("SELECT nextval('mark_waves') AS number").get_result(conn).await?;
    Ok(row.number)
}

/// A record's marks, as they are before a change.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = provenance_records, check_for_backend(diesel::pg::Pg))]
pub(super) struct MarkedRecord {
    pub(super) seq: i64,
    pub(super) provenance_id: Uuid,
    pub(super) project_id: Option<String>,
    pub(super) is_tainted: bool,
    pub(super) is_suspect: bool,
    pub(super) cascade_id: Option<String>,
    mark_wave: Option<i64>,
    mark_depth: Option<i32>,
    mark_origin: Option<i64>,
    pub(super) cleared_wave: i64,
}

impl MarkedRecord {
    /// What reaches it.
    pub(super) fn label(&self) -> Option<Label> {
        let depth = self.mark_depth.and_then(|depth| u32::try_from(depth).ok());
        Some(Label { wave: self.mark_wave?, depth: depth?, origin: self.mark_origin? })
    }

    /// As the project's counters see it.
    pub(super) const fn marks(&self) -> Marks {
        Marks { is_tainted: self.is_tainted, is_suspect: self.is_suspect }
    }
}

/// The marks of these records, in the record order.
pub(super) async fn list_marked_records(
    conn: &mut AsyncPgConnection,
    seqs: &[i64],
) -> QueryResult<Vec<MarkedRecord>> {
    provenance_records::table
        .filter(provenance_records::seq.eq_any(seqs))
        .order(provenance_records::seq)
        .select(MarkedRecord::as_select())
        .load(conn)
        .await
}

/// A version of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(super) struct Version {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    #[diesel(sql_type = Text)]
    pub(super) artifact_id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) producer_seq: Option<i64>,
}

statement!(
    struct ListVersions { nodes: Vec<i64> as Array<BigInt> }
    "SELECT id, artifact_id, producer_seq FROM artifacts WHERE id = ANY ($1)
     ORDER BY produced_at, reported_by, position"
);

/// Versions by their node ids.
pub(super) async fn list_versions(
    conn: &mut AsyncPgConnection,
    nodes: Vec<i64>,
) -> QueryResult<Vec<Version>> {
    ListVersions { nodes }.load(conn).await
}

statement!(
    struct ListOutputs { producers: Vec<i64> as Array<BigInt> }
    "SELECT id, artifact_id, producer_seq FROM artifacts WHERE producer_seq = ANY ($1)
     ORDER BY producer_seq, produced_at, reported_by, position"
);

/// What these records produced.
pub(super) async fn list_outputs(
    conn: &mut AsyncPgConnection,
    producers: Vec<i64>,
) -> QueryResult<Vec<Version>> {
    ListOutputs { producers }.load(conn).await
}

/// What a mark on a version says.
#[derive(Debug, Clone)]
pub(crate) struct NewMark<'a> {
    /// Found wrong, rather than only suspected.
    pub(crate) is_taint: bool,
    /// Its number.
    pub(crate) wave: i64,
    /// Records up to this place are left alone.
    pub(crate) after_seq: i64,
    /// Depth to count on from.
    pub(crate) depth: u32,
    /// The cascade it belongs to.
    pub(crate) cascade_id: &'a str,
    /// Why.
    pub(crate) reason: &'a str,
    /// The artifact that led to it.
    pub(crate) source_id: Option<&'a str>,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

statement!(
    /// Marks versions. A taint stays a taint, and what it reaches already stays reached.
    struct PutMarks {
        kind: &'static str as Text,
        wave: i64 as BigInt,
        after_seq: i64 as BigInt,
        depth: i32 as Integer,
        cascade_id: String as Text,
        reason: String as Text,
        source_id: Option<String> as Nullable<Text>,
        at: DateTime<Utc> as Timestamptz,
        nodes: Vec<i64> as Array<BigInt>,
    }
    "INSERT INTO artifact_marks (node_id, kind, wave, after_seq, depth, cascade_id, reason, source_id, marked_at)
     SELECT node, $1, $2, $3, $4, $5, $6, $7, $8 FROM UNNEST($9) AS marked (node)
     ON CONFLICT (node_id) DO UPDATE SET
        kind = EXCLUDED.kind, wave = EXCLUDED.wave, depth = EXCLUDED.depth, cascade_id = EXCLUDED.cascade_id,
        after_seq = least(artifact_marks.after_seq, EXCLUDED.after_seq),
        reason = EXCLUDED.reason, source_id = EXCLUDED.source_id, marked_at = EXCLUDED.marked_at
     WHERE artifact_marks.kind = 'suspect' OR artifact_marks.after_seq > EXCLUDED.after_seq"
);

/// Puts a mark on each of these versions.
pub(crate) async fn put_marks(
    conn: &mut AsyncPgConnection,
    nodes: Vec<i64>,
    mark: &NewMark<'_>,
) -> QueryResult<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    let put = PutMarks {
        nodes,
        kind: if mark.is_taint { "tainted" } else { "suspect" },
        wave: mark.wave,
        after_seq: mark.after_seq,
        depth: stored_depth(mark.depth),
        cascade_id: mark.cascade_id.to_owned(),
        reason: mark.reason.to_owned(),
        source_id: mark.source_id.map(ToOwned::to_owned),
        at: mark.at,
    };
    put.execute(conn).await.map(|_| ())
}

statement!(
    struct DeleteMarks { nodes: Vec<i64> as Array<BigInt> }
    "DELETE FROM artifact_marks WHERE node_id = ANY ($1)"
);

/// Takes the marks off these versions; tells how many there were.
pub(super) async fn delete_marks(conn: &mut AsyncPgConnection, nodes: Vec<i64>) -> QueryResult<usize> {
    DeleteMarks { nodes }.execute(conn).await
}

/// A mark as it lies on a version.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct MarkRow {
    #[diesel(sql_type = BigInt)]
    pub(super) node_id: i64,
    #[diesel(sql_type = Bool)]
    pub(super) is_taint: bool,
    #[diesel(sql_type = BigInt)]
    pub(super) wave: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) after_seq: i64,
    #[diesel(sql_type = Integer)]
    pub(super) depth: i32,
    #[diesel(sql_type = Text)]
    pub(super) cascade_id: String,
    #[diesel(sql_type = Text)]
    pub(super) reason: String,
    #[diesel(sql_type = Text)]
    pub(super) artifact_id: String,
}

statement!(
    struct ListMarks { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node_id, kind = 'tainted' AS is_taint, wave, after_seq, depth, cascade_id, reason, artifact_id
     FROM artifact_marks JOIN artifacts ON artifacts.id = node_id WHERE node_id = ANY ($1)"
);

/// The marks on these versions, as far as there are any.
pub(super) async fn list_marks(
    conn: &mut AsyncPgConnection,
    nodes: Vec<i64>,
) -> QueryResult<HashMap<i64, MarkRow>> {
    let rows: Vec<MarkRow> = ListMarks { nodes }.load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.node_id, row)).collect())
}

statement!(
    /// Says that records are tainted. Those that are stay as they are.
    struct TaintRecords {
        reason: String as Text,
        tainted_by: Option<String> as Nullable<Text>,
        cascade_id: String as Text,
        at: DateTime<Utc> as Timestamptz,
        rollback_id: Option<Uuid> as Nullable<SqlUuid>,
        seqs: Vec<i64> as Array<BigInt>,
    }
    "UPDATE provenance_records SET
        is_tainted = true, is_suspect = false, tainted_reason = $1, tainted_by = $2, cascade_id = $3,
        tainted_at = $4, rollback_id = COALESCE($5, rollback_id)
     WHERE seq = ANY ($6)"
);

/// Why records are tainted.
pub(crate) struct Taint<'a> {
    /// In words.
    pub(crate) reason: &'a str,
    /// What led to it: an artifact, a checkpoint, or who said so.
    pub(crate) by: Option<&'a str>,
    /// The cascade.
    pub(crate) cascade_id: &'a str,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// The rollback that took the records back.
    pub(crate) rollback_id: Option<Uuid>,
}

/// Marks these records tainted.
pub(crate) async fn mark_tainted(
    conn: &mut AsyncPgConnection,
    seqs: Vec<i64>,
    taint: &Taint<'_>,
) -> QueryResult<()> {
    let statement = TaintRecords {
        seqs,
        reason: taint.reason.to_owned(),
        tainted_by: taint.by.map(ToOwned::to_owned),
        cascade_id: taint.cascade_id.to_owned(),
        at: taint.at,
        rollback_id: taint.rollback_id,
    };
    statement.execute(conn).await.map(|_| ())
}

statement!(
    struct ClearRecord { wave: i64 as BigInt, seq: i64 as BigInt }
    "UPDATE provenance_records SET
        is_tainted = false, tainted_at = NULL, tainted_reason = NULL, tainted_by = NULL,
        cascade_id = CASE WHEN is_tainted THEN NULL ELSE cascade_id END,
        rollback_id = NULL, cleared_wave = $1
     WHERE seq = $2"
);

/// Takes the taint off a record, and stops every wave up to this one there.
pub(super) async fn mark_cleared(conn: &mut AsyncPgConnection, seq: i64, wave: i64) -> QueryResult<()> {
    ClearRecord { seq, wave }.execute(conn).await.map(|_| ())
}

statement!(
    /// Writes what reaches records. A tainted one goes on showing its own cascade.
    struct SaveLabels {
        at: DateTime<Utc> as Timestamptz,
        seq: Vec<i64> as Array<BigInt>,
        wave: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        depth: Vec<Option<i32>> as Array<Nullable<Integer>>,
        origin: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        source: Vec<Option<String>> as Array<Nullable<Text>>,
        cascade_id: Vec<Option<String>> as Array<Nullable<Text>>,
    }
    "UPDATE provenance_records record SET
        mark_wave = told.wave, mark_depth = told.depth, mark_origin = told.origin,
        is_suspect = told.wave IS NOT NULL AND NOT record.is_tainted,
        suspect_since = CASE WHEN told.wave IS NOT NULL THEN $1 END, suspect_source = told.source,
        cascade_id = CASE WHEN record.is_tainted THEN record.cascade_id ELSE told.cascade_id END
     FROM UNNEST($2, $3, $4, $5, $6, $7) AS told (seq, wave, depth, origin, source, cascade_id)
     WHERE record.seq = told.seq"
);

/// A record, what reaches it now, and what that is called.
pub(super) struct NewLabel<'a> {
    pub(super) seq: i64,
    pub(super) label: Option<Label>,
    pub(super) origin: Option<&'a MarkRow>,
}

/// Writes what reaches these records now.
pub(super) async fn save_labels(
    conn: &mut AsyncPgConnection,
    labels: impl Iterator<Item = NewLabel<'_>>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let mut save = SaveLabels { at, ..SaveLabels::default() };
    for NewLabel { seq, label, origin } in labels {
        save.seq.push(seq);
        save.wave.push(label.map(|label| label.wave));
        save.depth.push(label.map(|label| stored_depth(label.depth)));
        save.origin.push(label.map(|label| label.origin));
        save.source.push(origin.map(|mark| mark.artifact_id.clone()));
        save.cascade_id.push(origin.map(|mark| mark.cascade_id.clone()));
    }
    if save.seq.is_empty() { Ok(()) } else { save.execute(conn).await.map(|_| ()) }
}

/// As the column holds it.
pub(super) fn stored_depth(depth: u32) -> i32 {
    i32::try_from(depth).unwrap_or(i32::MAX)
}
