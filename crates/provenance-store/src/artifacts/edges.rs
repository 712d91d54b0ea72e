//! SQL of the graph's edges. They are derived from what records say they used, and can be derived again.
//!
//! Which version of an artifact did a record use? The first of these that there is:
//! 1. the one with the checksum that was told: rather another record's than its own, rather made before the use
//!    than after it, the nearest in time;
//! 2. the newest that another record had produced when the inputs were read;
//! 3. its own, if it says that it made anew what it used;
//! 4. the oldest of another record: clocks differ, and a link too many is better than a missed one;
//! 5. the artifact as nobody made it.
//!
//! An artifact with a single producer is thus one node, whatever the clocks say.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::statement::statement;

statement!(
    /// Removes the edges that lead to the outputs of these records.
    struct DeleteEdges { consumers: Vec<i64> as Array<BigInt> }
    "DELETE FROM artifact_dependencies USING artifacts
     WHERE artifact_dependencies.output_id = artifacts.id AND artifacts.producer_seq = ANY ($1)"
);

/// The edges that lead to the outputs of the records in `$records` which are as `$which` says.
macro_rules! derived_edges {
    ($records:literal, $which:literal) => {
        concat!(
            "SELECT DISTINCT ON (used.id, made.id)
        used.id AS input_id, made.id AS output_id, input.relationship, input.checksum,
        input.checksum = used.checksum AS checksum_matches
     FROM ",
            $records,
            " record
     CROSS JOIN LATERAL jsonb_to_recordset(record.inputs)
        AS input (artifact_id text, relationship text, checksum text)
     CROSS JOIN LATERAL (SELECT COALESCE(
        CASE WHEN input.checksum IS NOT NULL THEN (
            SELECT id FROM artifacts
            WHERE artifact_id = input.artifact_id AND checksum = input.checksum AND producer_seq IS NOT NULL
            ORDER BY producer_seq = record.seq, produced_at <= record.inputs_read_at DESC,
                abs(extract(epoch FROM produced_at - record.inputs_read_at)), reported_by
            LIMIT 1) END,
        (SELECT id FROM artifacts
            WHERE artifact_id = input.artifact_id AND produced_at <= record.inputs_read_at
                AND producer_seq <> record.seq
            ORDER BY produced_at DESC, reported_by DESC LIMIT 1),
        (SELECT id FROM artifacts WHERE artifact_id = input.artifact_id AND producer_seq = record.seq),
        (SELECT id FROM artifacts
            WHERE artifact_id = input.artifact_id AND producer_seq <> record.seq
            ORDER BY produced_at, reported_by LIMIT 1),
        (SELECT id FROM artifacts WHERE artifact_id = input.artifact_id AND producer_seq IS NULL)
     ) AS id) choice
     JOIN artifacts used ON used.id = choice.id
     JOIN artifacts made ON made.producer_seq = record.seq
     WHERE ",
            $which,
            " ORDER BY used.id, made.id, input.relationship, input.checksum"
        )
    };
}

statement!(
    /// Derives the edges that lead to the outputs of these records.
    struct InsertEdges { consumers: Vec<i64> as Array<BigInt> }
    concat!("INSERT INTO artifact_dependencies (input_id, output_id, relationship, checksum, checksum_matches) ",
        derived_edges!("provenance_records", "record.seq = ANY ($1)"))
);

statement!(
    /// Those of the records with edges that do not follow from what they used, or without one that does. Inputs that
    /// this service cannot have written are another finding.
    struct ListMisconnected { seqs: Vec<i64> as Array<BigInt> }
    concat!("WITH asked AS MATERIALIZED (
        SELECT seq, inputs, inputs_read_at FROM provenance_records
        WHERE seq = ANY ($1) AND jsonb_typeof(inputs) = 'array' AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(CASE jsonb_typeof(inputs) WHEN 'array' THEN inputs ELSE '[]' END) input
            WHERE jsonb_typeof(input) <> 'object')
     ), derived AS (", derived_edges!("asked", "true"), "), stored AS (
        SELECT edge.input_id, edge.output_id, edge.relationship, edge.checksum, edge.checksum_matches
        FROM asked JOIN artifacts made ON made.producer_seq = asked.seq
        JOIN artifact_dependencies edge ON edge.output_id = made.id
     ), misfit AS (
        (SELECT * FROM derived EXCEPT SELECT * FROM stored) UNION ALL (SELECT * FROM stored EXCEPT SELECT * FROM derived)
     )
     SELECT DISTINCT made.producer_seq AS seq FROM misfit JOIN artifacts made ON made.id = misfit.output_id")
);

/// Those of the records whose edges are not what follows from what they used.
pub async fn list_misconnected(conn: &mut AsyncPgConnection, seqs: Vec<i64>) -> QueryResult<HashSet<i64>> {
    let found: Vec<Consumer> = ListMisconnected { seqs }.load(conn).await?;
    Ok(found.into_iter().map(|consumer| consumer.seq).collect())
}

/// Derives the edges of records whose outputs are new and have none yet.
pub async fn insert_edges(conn: &mut AsyncPgConnection, consumers: Vec<i64>) -> QueryResult<()> {
    if !consumers.is_empty() {
        InsertEdges { consumers }.execute(conn).await?;
    }
    Ok(())
}

/// Derives the edges of these records anew.
pub async fn rewrite_edges(conn: &mut AsyncPgConnection, consumers: Vec<i64>) -> QueryResult<()> {
    if !consumers.is_empty() {
        DeleteEdges { consumers: consumers.clone() }.execute(conn).await?;
        InsertEdges { consumers }.execute(conn).await?;
    }
    Ok(())
}

statement!(
    /// Who may have used one of these new versions rather than what their edges say. What can have stood in for
    /// it, in this order: the version itself, as it was described before or as nobody's; its neighbours in time;
    /// its consumers' own versions; its neighbours of the same content (two on each side, since a consumer's own
    /// version may stand between); versions that are not known to have the content that was told.
    struct FindMisled { nodes: Vec<i64> as Array<BigInt>, revised: Vec<i64> as Array<BigInt> }
    "WITH fresh AS (
        SELECT * FROM artifacts WHERE id = ANY ($1)
     ), crowded AS MATERIALIZED (
        SELECT * FROM fresh WHERE EXISTS (
            SELECT FROM artifacts other WHERE other.artifact_id = fresh.artifact_id AND other.id <> fresh.id)
     ), edge AS (
        SELECT edge.output_id FROM fresh JOIN artifact_dependencies edge ON edge.input_id = fresh.id
        WHERE edge.checksum IS NOT NULL OR fresh.producer_seq = ANY ($2)
      UNION
        SELECT edge.output_id FROM crowded
        CROSS JOIN LATERAL (
            SELECT id FROM artifacts
            WHERE artifact_id = crowded.artifact_id
                AND (produced_at, reported_by) < (crowded.produced_at, crowded.reported_by)
            ORDER BY produced_at DESC, reported_by DESC LIMIT 2) older
        JOIN artifact_dependencies edge ON edge.input_id = older.id
        JOIN artifacts made ON made.id = edge.output_id
        JOIN provenance_records record ON record.seq = made.producer_seq
        WHERE record.inputs_read_at >= crowded.produced_at
      UNION
        SELECT edge.output_id FROM crowded
        CROSS JOIN LATERAL (
            SELECT id, produced_at FROM artifacts
            WHERE artifact_id = crowded.artifact_id
                AND (produced_at, reported_by) > (crowded.produced_at, crowded.reported_by)
            ORDER BY produced_at, reported_by LIMIT 2) newer
        JOIN artifact_dependencies edge ON edge.input_id = newer.id
        JOIN artifacts made ON made.id = edge.output_id
        JOIN provenance_records record ON record.seq = made.producer_seq
        WHERE record.inputs_read_at < newer.produced_at
      UNION
        SELECT edge.output_id FROM crowded
        JOIN artifacts own ON own.artifact_id = crowded.artifact_id AND own.id <> crowded.id
        JOIN artifact_dependencies edge ON edge.input_id = own.id AND edge.output_id = own.id
        JOIN provenance_records record ON record.seq = own.producer_seq
        WHERE record.inputs_read_at >= crowded.produced_at OR edge.checksum = crowded.checksum
      UNION
        SELECT edge.output_id FROM crowded
        CROSS JOIN LATERAL (
            (SELECT id FROM artifacts
                WHERE artifact_id = crowded.artifact_id AND checksum = crowded.checksum
                    AND (produced_at, reported_by) < (crowded.produced_at, crowded.reported_by)
                ORDER BY produced_at DESC, reported_by DESC LIMIT 2)
          UNION ALL
            (SELECT id FROM artifacts
                WHERE artifact_id = crowded.artifact_id AND checksum = crowded.checksum
                    AND (produced_at, reported_by) > (crowded.produced_at, crowded.reported_by)
                ORDER BY produced_at, reported_by LIMIT 2)) twin
        JOIN artifact_dependencies edge ON edge.input_id = twin.id AND edge.checksum = crowded.checksum
      UNION
        SELECT edge.output_id FROM crowded
        JOIN artifacts other ON other.artifact_id = crowded.artifact_id AND other.id <> crowded.id
        JOIN artifact_dependencies edge ON edge.input_id = other.id
            AND edge.checksum = crowded.checksum AND edge.checksum IS NOT NULL
            AND edge.checksum_matches IS NOT TRUE
     )
     SELECT DISTINCT made.producer_seq AS seq FROM edge JOIN artifacts made ON made.id = edge.output_id"
);

/// A record's place in the record order.
#[derive(QueryableByName)]
struct Consumer {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// The records that used an artifact before one of these versions of it was known, and whose edges have to be derived
/// anew. Versions that `revised` records produced may have been known, under another description.
pub async fn list_misled(
    conn: &AsyncPgConnection,
    nodes: Vec<i64>,
    revised: Vec<i64>,
) -> QueryResult<Vec<i64>> {
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let misled: Vec<Consumer> = FindMisled { nodes, revised }.load(&mut &*conn).await?;
    Ok(misled.into_iter().map(|consumer| consumer.seq).collect())
}
