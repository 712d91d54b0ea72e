//! The account: one row for every mark that was set or taken away, written with it and never changed. The chain of the
//! project seals it, and the marks of every record follow from it.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::announcement::Cause;
use super::store::stored_depth;
use crate::integrity::seals;
use crate::statement::statement;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Found wrong.
    Taint,
    /// Became suspect.
    Suspect,
    /// Is neither any longer.
    Clear,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taint => "taint",
            Self::Suspect => "suspect",
            Self::Clear => "clear",
        }
    }
}

/// What was done to a record, or to a version that nobody produced.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    /// The record.
    pub(crate) seq: Option<i64>,
    /// One version of it, or one that nobody produced; every output of the record when absent.
    pub(crate) node: Option<i64>,
    /// The cascade.
    pub(crate) cascade_id: Option<String>,
    /// Edges from what led to it.
    pub(crate) depth: u32,
    /// The artifact that led to it.
    pub(crate) source: Option<String>,
}

/// What a record named `record` says of its taint.
macro_rules! taint_of_record {
    () => {
        "jsonb_build_object('at', (extract(epoch FROM record.tainted_at) * 1000000)::bigint, 'by', record.tainted_by,
            'reason', record.tainted_reason, 'cascade_id', record.cascade_id, 'rollback_id', record.rollback_id)"
    };
}

statement!(
    /// Writes lines, one row for each artifact that they are about. The records are marked by then.
    struct WriteLines {
        at: DateTime<Utc> as Timestamptz,
        action: &'static str as Text,
        reason: String as Text,
        event_id: Option<Uuid> as Nullable<SqlUuid>,
        seq: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        node: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        cascade_id: Vec<Option<String>> as Array<Nullable<Text>>,
        depth: Vec<i32> as Array<Integer>,
        source: Vec<Option<String>> as Array<Nullable<Text>>,
    }
    concat!("INSERT INTO taint_events (
        at, action, reason, event_id, artifact_id, record_seq, cascade_id, depth, source_artifact_id, project_id, taint)
     SELECT $1, $2, $3, $4, made.artifact_id, line.seq, line.cascade_id, line.depth, line.source,
        COALESCE(record.project_id, ''), CASE WHEN record.is_tainted THEN ", taint_of_record!(), " END
     FROM UNNEST($5, $6, $7, $8, $9) WITH ORDINALITY AS line (seq, node, cascade_id, depth, source, place)
     LEFT JOIN provenance_records record ON record.seq = line.seq
     LEFT JOIN LATERAL (
        SELECT artifact_id, produced_at, position FROM artifacts
        WHERE line.node IS NULL AND producer_seq = line.seq
        UNION ALL
        SELECT artifact_id, produced_at, position FROM artifacts WHERE id = line.node
     ) made ON true
     ORDER BY line.place, made.produced_at, made.position
     RETURNING artifact_id, depth, cascade_id, source_artifact_id, project_id")
);

/// An artifact that a line is about.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Accounted {
    /// None for a record without outputs.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) artifact_id: Option<String>,
    /// Edges from what led to it.
    #[diesel(sql_type = Integer)]
    pub(crate) depth: i32,
    /// The cascade.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) cascade_id: Option<String>,
    /// The artifact that led to it.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) source_artifact_id: Option<String>,
    /// Whose chain seals it.
    #[diesel(sql_type = Text)]
    project_id: String,
}

/// Writes these lines; gives the artifacts that they are about.
pub(crate) async fn write_lines(
    conn: &mut AsyncPgConnection,
    action: Action,
    cause: &Cause<'_>,
    lines: impl IntoIterator<Item = Line>,
) -> QueryResult<Vec<Accounted>> {
    let mut write = WriteLines {
        at: cause.now,
        action: action.as_str(),
        reason: cause.reason.to_owned(),
        event_id: cause.event.map(|event| event.id.as_uuid()),
        ..WriteLines::default()
    };
    for line in lines {
        write.seq.push(line.seq);
        write.node.push(line.node);
        write.cascade_id.push(line.cascade_id);
        write.depth.push(stored_depth(line.depth));
        write.source.push(line.source);
    }
    if write.seq.is_empty() {
        return Ok(Vec::new());
    }
    let written: Vec<Accounted> = write.load(conn).await?;
    let projects: BTreeSet<String> = written.iter().map(|row| row.project_id.clone()).collect();
    seals::seal(conn, projects, cause.now).await?;
    Ok(written)
}

statement!(
    /// Those of the records whose marks do not follow from the account: the last row about a record, rows from files
    /// of events aside, says what it is, and everything that it says of its taint; rows that tell less say at least
    /// since when and why. Taints come from what a tainted record made and from nothing that another one made, and
    /// suspicion from nothing that a good one made.
    struct ListUnaccounted { seqs: Vec<i64> as Array<BigInt> }
    concat!("SELECT record.seq FROM provenance_records record
     LEFT JOIN LATERAL (
        SELECT action, taint FROM taint_events
        WHERE record_seq = record.seq AND origin <> 'file' ORDER BY id DESC LIMIT 1
     ) last ON true
     CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS has_outputs, COALESCE(bool_or(mark.kind = 'tainted'), false) AS tainted,
            COALESCE(bool_or(mark.kind = 'suspect'), false) AS suspected
        FROM artifacts LEFT JOIN artifact_marks mark ON mark.node_id = artifacts.id
        WHERE artifacts.producer_seq = record.seq
     ) made
     CROSS JOIN LATERAL (SELECT ", taint_of_record!(), " AS taint) says
     WHERE record.seq = ANY ($1) AND (
        record.is_tainted <> (COALESCE(last.action, '') = 'taint')
        OR record.is_suspect <> (COALESCE(last.action, '') = 'suspect')
        OR (made.has_outputs AND record.is_tainted <> made.tainted)
        OR (made.suspected AND NOT record.is_tainted AND NOT record.is_suspect)
        OR (record.is_tainted AND last.taint IS NOT NULL
            -- A file of events may name the cascade of an imported record afterwards.
            AND last.taint NOT IN (says.taint, says.taint || '{\"cascade_id\": null}'))
        OR (record.is_tainted AND last.taint IS NULL AND NOT EXISTS (
            SELECT FROM taint_events told
            WHERE told.record_seq = record.seq AND told.action = 'taint' AND told.origin <> 'file'
                AND told.reason = COALESCE(record.tainted_reason, '')
                AND (told.at = record.tainted_at OR (record.tainted_at IS NULL AND told.origin = 'import'))
                AND (told.cascade_id IS NOT DISTINCT FROM record.cascade_id OR told.origin = 'import'))))")
);

#[derive(QueryableByName)]
struct Unaccounted {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Those of the records whose marks are not what the account tells.
pub(crate) async fn list_unaccounted(
    conn: &mut AsyncPgConnection,
    seqs: Vec<i64>,
) -> QueryResult<HashSet<i64>> {
    let found: Vec<Unaccounted> = ListUnaccounted { seqs }.load(conn).await?;
    Ok(found.into_iter().map(|row| row.seq).collect())
}

statement!(
    /// Artifacts that nobody produced and that bear a mark or have one in the account, by name, and whether one follows
    /// from the other. Suspicions of them are not in the account; what these lead to is.
    struct ListLoose { after: String as Text, limit: i64 as BigInt }
    "WITH asked AS (SELECT $1::text AS after, $2::bigint AS portion)
     SELECT loose.artifact_id, node.id IS NULL OR (
            (last.action IS NOT DISTINCT FROM 'taint') = (mark.kind IS NOT DISTINCT FROM 'tainted')
            AND (last.action IS DISTINCT FROM 'taint' OR (mark.marked_at, mark.reason, mark.cascade_id)
                IS NOT DISTINCT FROM (last.at, last.reason, last.cascade_id))
        ) AS is_accounted
     FROM asked
     CROSS JOIN LATERAL (
        (SELECT DISTINCT artifact_id FROM taint_events
            WHERE record_seq IS NULL AND artifact_id > asked.after ORDER BY artifact_id LIMIT asked.portion)
      UNION
        (SELECT artifact_id FROM artifacts JOIN artifact_marks ON node_id = id
            WHERE producer_seq IS NULL AND artifact_id > asked.after ORDER BY artifact_id LIMIT asked.portion)
      ORDER BY artifact_id LIMIT asked.portion
     ) loose
     LEFT JOIN artifacts node ON node.artifact_id = loose.artifact_id AND node.producer_seq IS NULL
     LEFT JOIN artifact_marks mark ON mark.node_id = node.id
     LEFT JOIN LATERAL (
        SELECT action, at, reason, cascade_id FROM taint_events
        WHERE record_seq IS NULL AND artifact_id = loose.artifact_id ORDER BY id DESC LIMIT 1
     ) last ON true
     ORDER BY loose.artifact_id"
);

/// An artifact that nobody produced.
#[derive(Debug, QueryableByName)]
pub(crate) struct LooseArtifact {
    #[diesel(sql_type = Text)]
    pub(crate) artifact_id: String,
    /// Whether its marks are what the account tells.
    #[diesel(sql_type = Bool)]
    pub(crate) is_accounted: bool,
}

/// Artifacts that nobody produced and that have to do with marks, behind that name.
pub(crate) async fn list_loose(
    conn: &mut AsyncPgConnection,
    after: String,
    limit: i64,
) -> QueryResult<Vec<LooseArtifact>> {
    ListLoose { after, limit }.load(conn).await
}
