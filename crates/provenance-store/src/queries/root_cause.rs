//! What an artifact's trouble began with: the artifact upstream that was tainted first.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::graph::RootCauseView;

use super::{GraphLimits, Sight, Unanswered, start_of};
use crate::graph::{Direction, ReachedNode, Start, store, walk};
use crate::statement::statement;

statement!(
    /// Those of the nodes that were tainted first: with their producers, or by themselves where nobody produced them. A
    /// mark without a time is older than every other.
    struct ListTaintedFirst { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node.id, node.artifact_id FROM artifacts node
     LEFT JOIN provenance_records record ON record.seq = node.producer_seq
     LEFT JOIN artifact_marks mark ON mark.node_id = node.id AND node.producer_seq IS NULL
     WHERE node.id = ANY ($1) AND (record.is_tainted OR mark.kind = 'tainted')
     ORDER BY COALESCE(record.tainted_at, mark.marked_at) NULLS FIRST FETCH FIRST 1 ROWS WITH TIES"
);

#[derive(QueryableByName)]
struct TaintedRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    artifact_id: String,
}

statement!(
    /// The first input that a record lists.
    struct FindFirstInput { seq: i64 as BigInt }
    "SELECT inputs -> 0 ->> 'artifact_id' AS artifact_id FROM provenance_records WHERE seq = $1"
);

#[derive(QueryableByName)]
struct InputRow {
    #[diesel(sql_type = Nullable<Text>)]
    artifact_id: Option<String>,
}

/// The root cause for what the id names. What nobody produced has none; what has nothing tainted upstream is its own.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn find_root_cause(
    conn: &mut AsyncPgConnection,
    id: &str,
    limits: GraphLimits,
    sight: &Sight,
) -> Result<RootCauseView, Unanswered> {
    let start = start_of(conn, id).await?;
    let Some(producer) = start.producer else { return Ok(view(&start, Vec::new(), None)) };
    let reached = walk(conn, &start.nodes, Direction::Dependencies, limits.within(None)).await?;
    let visible = sight.visible(conn, reached.ids()).await?;
    let is_visible = |node: &i64| visible.as_ref().is_none_or(|visible| visible.contains(node));
    let candidates = reached.ids().into_iter().filter(is_visible).collect();
    let tainted: Vec<TaintedRow> = ListTaintedFirst { nodes: candidates }.load(conn).await?;
    let nodes: HashMap<i64, ReachedNode> = reached.nodes.into_iter().map(|node| (node.id, node)).collect();
    let depth = |row: &TaintedRow| nodes.get(&row.id).map(|node| node.depth);
    let first = tainted.into_iter().min_by(|one, other| {
        (depth(one), &one.artifact_id, one.id).cmp(&(depth(other), &other.artifact_id, other.id))
    });
    let Some(first) = first else {
        let path = vec![start.artifact_id.clone()];
        return Ok(view(&start, path, None));
    };
    let mut way = way_down(&nodes, &start.nodes, first.id);
    way.retain(|node| is_visible(node) || start.nodes.contains(node));
    let names = store::list_names(conn, way.clone()).await?;
    let path = way.iter().filter_map(|node| names.get(node).cloned()).collect();
    let input: Option<InputRow> = FindFirstInput { seq: producer }.get_result(conn).await.optional()?;
    Ok(view(&start, path, input.and_then(|input| input.artifact_id)))
}

fn view(start: &Start, path: Vec<String>, immediate_cause: Option<String>) -> RootCauseView {
    RootCauseView {
        artifact_id: start.artifact_id.clone(),
        root_cause: path.as_slice().first().cloned(),
        immediate_cause,
        depth: u32::try_from(path.len().saturating_sub(1)).unwrap_or(u32::MAX),
        path,
    }
}

/// The nodes from `from` to the nearest start, both included. A start leads to itself without a step.
fn way_down(nodes: &HashMap<i64, ReachedNode>, starts: &[i64], from: i64) -> Vec<i64> {
    let mut way = vec![from];
    let mut here = from;
    while !starts.contains(&here) {
        let Some(node) = nodes.get(&here) else { break };
        here = node.parent;
        way.push(here);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_ends_at_the_first_start_also_in_a_circle() {
        let node = |id, depth, parent| (id, ReachedNode { id, depth, parent });
        // 1 was made from 2, 2 from 3, 3 from 1.
        let nodes = HashMap::from([node(2, 1, 1), node(3, 2, 2), node(1, 3, 3)]);
        assert_eq!(way_down(&nodes, &[1], 3), [3, 2, 1]);
        assert_eq!(way_down(&nodes, &[1], 1), [1]);
    }
}
