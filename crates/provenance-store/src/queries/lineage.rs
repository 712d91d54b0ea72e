//! An artifact's graph in both directions, as nodes and edges. Versions are nodes of their own.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::TaintView;
use protocol::provenance_query::graph::{LineageEdge, LineageNode, LineageQuery, LineageView};
use protocol::{ArtifactId, ProvenanceId};
use uuid::Uuid;

use super::{GraphLimits, Sight, Unanswered, start_of};
use crate::graph::{Direction, Limits, walk};
use crate::records::rows::unreadable;
use crate::statement::statement;

/// Most edges in an answer.
const MOST_EDGES: usize = 50_000;

statement!(
    /// Nodes with what produced them, and with its marks; with their own where nobody produced them.
    struct ListNodes { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node.id, node.artifact_id, NULLIF(node.artifact_type, '') AS artifact_type, record.provenance_id,
        record.task_id,
        COALESCE(record.is_tainted, taint.node_id IS NOT NULL) AS is_tainted,
        COALESCE(record.tainted_at, taint.marked_at) AS tainted_at,
        COALESCE(record.tainted_reason, taint.reason) AS tainted_reason,
        COALESCE(record.is_suspect, doubt.node_id IS NOT NULL) AS is_suspect,
        COALESCE(record.suspect_since, doubt.marked_at) AS suspect_since,
        COALESCE(record.suspect_source, doubt.source_id) AS suspect_source,
        COALESCE(record.cascade_id, taint.cascade_id, doubt.cascade_id) AS cascade_id
     FROM artifacts node
     LEFT JOIN provenance_records record ON record.seq = node.producer_seq
     LEFT JOIN artifact_marks taint
        ON taint.node_id = node.id AND node.producer_seq IS NULL AND taint.kind = 'tainted'
     LEFT JOIN artifact_marks doubt
        ON doubt.node_id = node.id AND node.producer_seq IS NULL AND doubt.kind = 'suspect'
     WHERE node.id = ANY ($1)"
);

#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    artifact_type: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    provenance_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    task_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    is_tainted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    tainted_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    tainted_reason: Option<String>,
    #[diesel(sql_type = Bool)]
    is_suspect: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    suspect_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    suspect_source: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    cascade_id: Option<String>,
}

statement!(
    /// Edges that lead from some of these nodes to some of those.
    struct ListEdges {
        inputs: Vec<i64> as Array<BigInt>,
        outputs: Vec<i64> as Array<BigInt>,
        most: i64 as BigInt,
    }
    "SELECT input_id, output_id, relationship, checksum_matches FROM artifact_dependencies
     WHERE input_id = ANY ($1) AND output_id = ANY ($2) ORDER BY input_id, output_id LIMIT $3"
);

#[derive(QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = BigInt)]
    input_id: i64,
    #[diesel(sql_type = BigInt)]
    output_id: i64,
    #[diesel(sql_type = Text)]
    relationship: String,
    #[diesel(sql_type = Nullable<Bool>)]
    checksum_matches: Option<bool>,
}

/// The graph around what the id names.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn get_lineage(
    conn: &mut AsyncPgConnection,
    query: LineageQuery,
    limits: GraphLimits,
    sight: &Sight,
) -> Result<LineageView, Unanswered> {
    let start = start_of(conn, &query.id).await?;
    let asked = usize::try_from(query.limit).unwrap_or(usize::MAX).min(limits.nodes);
    let within = Limits { nodes: Some(asked), ..limits.within(query.max_depth) };
    let mut order = start.nodes.clone();
    let mut edges: BTreeMap<(i64, i64), EdgeRow> = BTreeMap::new();
    let mut truncated = false;
    for direction in [Direction::Dependencies, Direction::Dependents] {
        let mut reached = walk(conn, &start.nodes, direction, within).await?;
        sight.narrow(conn, &mut reached).await?;
        let nodes: Vec<i64> = start.nodes.iter().copied().chain(reached.ids()).collect();
        let most = i64::try_from(MOST_EDGES).unwrap_or(i64::MAX);
        let found: Vec<EdgeRow> =
            ListEdges { inputs: nodes.clone(), outputs: nodes, most }.load(conn).await?;
        truncated |= reached.truncated || found.len() >= MOST_EDGES;
        edges.extend(found.into_iter().map(|edge| ((edge.input_id, edge.output_id), edge)));
        order.extend(reached.ids());
    }
    let mut seen = HashSet::new();
    order.retain(|node| seen.insert(*node));
    let rows: Vec<NodeRow> = ListNodes { nodes: order.clone() }.load(conn).await?;
    let nodes = rows
        .into_iter()
        .map(|row| Ok((row.id, row.view()?)))
        .collect::<QueryResult<HashMap<i64, LineageNode>>>()?;
    let edges =
        edges.into_values().filter_map(|edge| edge.view(&nodes).transpose()).collect::<QueryResult<_>>()?;
    let nodes = order.iter().filter_map(|node| nodes.get(node).cloned()).collect();
    Ok(LineageView { nodes, edges, truncated })
}

impl NodeRow {
    fn view(self) -> QueryResult<LineageNode> {
        Ok(LineageNode {
            artifact_id: ArtifactId::new(self.artifact_id).map_err(unreadable)?,
            provenance_id: self.provenance_id.map(ProvenanceId),
            task_id: self.task_id.map(Into::into),
            artifact_type: self.artifact_type,
            taint: TaintView {
                is_tainted: self.is_tainted,
                tainted_at: self.tainted_at.map(Into::into),
                tainted_reason: self.tainted_reason,
                is_suspect: self.is_suspect,
                suspect_since: self.suspect_since.map(Into::into),
                suspect_source: self.suspect_source,
                cascade_id: self.cascade_id,
            },
        })
    }
}

impl EdgeRow {
    fn view(self, nodes: &HashMap<i64, LineageNode>) -> QueryResult<Option<LineageEdge>> {
        let (Some(from), Some(to)) = (nodes.get(&self.input_id), nodes.get(&self.output_id)) else {
            return Ok(None);
        };
        Ok(Some(LineageEdge {
            from: from.artifact_id.clone(),
            to: to.artifact_id.clone(),
            relationship: self.relationship.parse().map_err(unreadable)?,
            from_provenance_id: from.provenance_id,
            to_provenance_id: to.provenance_id,
            checksum_matches: self.checksum_matches,
        }))
    }
}
