//! What an artifact was built on: the artifacts, the edges between them, and the records that made them.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::native::{self, WrittenRow};
use crate::graph::{Direction, Limits, find_start, walk};
use crate::queries::{Sight, Unanswered};
use crate::statement::statement;

/// Most artifacts of one document; it is made for people and tools that take it whole.
const MOST_ARTIFACTS: usize = 2_000;

statement!(
    /// What these nodes are.
    struct ReadNodes { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node.id, node.artifact_id, node.producer_seq, node.artifact_type, node.path, node.checksum
     FROM artifacts node WHERE node.id = ANY ($1) ORDER BY node.id"
);

/// A version of an artifact.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Node {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    #[diesel(sql_type = Text)]
    pub(super) artifact_id: String,
    /// The record that made it; none for what nobody is known to have made.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) producer_seq: Option<i64>,
    #[diesel(sql_type = Text)]
    pub(super) artifact_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) checksum: Option<String>,
}

statement!(
    /// The edges that lead to these nodes.
    struct ReadEdges { nodes: Vec<i64> as Array<BigInt> }
    "SELECT input_id, output_id, relationship FROM artifact_dependencies
     WHERE output_id = ANY ($1) ORDER BY output_id, input_id"
);

/// One node was made from another.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Edge {
    #[diesel(sql_type = BigInt)]
    pub(super) input_id: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) output_id: i64,
    #[diesel(sql_type = Text)]
    pub(super) relationship: String,
}

/// What an artifact was built on.
#[derive(Debug)]
pub(super) struct Ancestry {
    /// The artifact that was asked about.
    pub(super) artifact_id: String,
    /// The record that made it.
    pub(super) producer: Option<i64>,
    pub(super) nodes: Vec<Node>,
    /// Between these nodes.
    pub(super) edges: Vec<Edge>,
    /// The records that made the nodes: the artifact's own first, then the nearest.
    pub(super) records: Vec<WrittenRow>,
    /// Whether there is more.
    pub(super) truncated: bool,
}

/// Everything that the artifact, record or task of that id was built on.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub(super) async fn find_ancestry(conn: &mut AsyncPgConnection, id: &str) -> Result<Ancestry, Unanswered> {
    let start = find_start(conn, id).await?;
    let start = start.ok_or_else(|| Unanswered::NotFound(format!("no artifact, record or task {id:?}")))?;
    let limits = Limits { depth: None, nodes: Some(MOST_ARTIFACTS), looks_behind: true };
    let reached = walk(conn, &start.nodes, Direction::Dependencies, limits).await?;
    let mut seen = HashSet::new();
    let nearest_first: Vec<i64> =
        start.nodes.iter().copied().chain(reached.ids()).filter(|id| seen.insert(*id)).collect();
    let nodes: Vec<Node> = ReadNodes { nodes: nearest_first.clone() }.load(conn).await?;
    let edges: Vec<Edge> = ReadEdges { nodes: nearest_first.clone() }.load(conn).await?;
    let records = read_records(conn, start.producer, &nearest_first, &nodes).await?;
    Ok(Ancestry {
        artifact_id: start.artifact_id,
        producer: start.producer,
        nodes,
        edges: edges.into_iter().filter(|edge| seen.contains(&edge.input_id)).collect(),
        records,
        truncated: reached.truncated,
    })
}

impl Ancestry {
    /// The part of it that is to be seen.
    pub(super) async fn within(mut self, conn: &mut AsyncPgConnection, sight: &Sight) -> QueryResult<Self> {
        let nodes = self.nodes.iter().map(|node| node.id).collect();
        if let Some(visible) = sight.visible(conn, nodes).await? {
            self.nodes.retain(|node| visible.contains(&node.id));
            self.edges.retain(|edge| visible.contains(&edge.input_id) && visible.contains(&edge.output_id));
            self.records.retain(|row| sight.shows(row.project_id.as_deref()));
        }
        Ok(self)
    }
}

async fn read_records(
    conn: &mut AsyncPgConnection,
    first: Option<i64>,
    nearest_first: &[i64],
    nodes: &[Node],
) -> QueryResult<Vec<WrittenRow>> {
    let place = |node: &i64| nodes.binary_search_by_key(node, |node| node.id).ok();
    let producers = nearest_first.iter().filter_map(|node| nodes.get(place(node)?)?.producer_seq);
    let mut seen = BTreeSet::new();
    let order: Vec<i64> = first.into_iter().chain(producers).filter(|seq| seen.insert(*seq)).collect();
    let mut rows = native::list_rows(conn, order.clone()).await?;
    rows.sort_by_cached_key(|row| order.iter().position(|seq| *seq == row.seq));
    Ok(rows)
}
