//! Everything that is built on some versions of artifacts, with where each way begins.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::MarkRules;
use crate::graph::{Direction, Limits, walk};

/// How a version was come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reach {
    /// Edges from where the walk began, and what was counted on from.
    pub(super) depth: u32,
    /// Where it began.
    pub(super) origin: i64,
}

/// Walks downstream from these tainted versions, each with a depth to count on from. A starting point is among what is
/// found only if a way leads back to it, or from another. What lies beyond the rules' limit is left out.
pub(super) async fn walk_downstream(
    conn: &mut AsyncPgConnection,
    starts: &[(i64, u32)],
    rules: MarkRules,
) -> QueryResult<HashMap<i64, Reach>> {
    let mut levels: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for &(start, depth) in starts {
        levels.entry(depth).or_default().push(start);
    }
    let mut found = HashMap::new();
    // The shortest way is the one of the fewest edges only among those that count on from the same depth.
    for (depth, starts) in levels {
        for (node, reach) in walk_from(conn, &starts, depth, rules).await? {
            let nearest = found.entry(node).or_insert(reach);
            *nearest = reach.min(*nearest);
        }
    }
    Ok(found)
}

/// Everything that is built on these versions, the depth of which is that.
async fn walk_from(
    conn: &mut AsyncPgConnection,
    starts: &[i64],
    depth: u32,
    rules: MarkRules,
) -> QueryResult<HashMap<i64, Reach>> {
    let begin: HashSet<i64> = starts.iter().copied().collect();
    let limits = Limits { depth: rules.edges_from(depth), ..Limits::NONE };
    let reached = walk(conn, starts, Direction::Dependents, limits).await?;
    let mut found: HashMap<i64, Reach> = HashMap::with_capacity(reached.nodes.len());
    for node in reached.nodes {
        let origin = match found.get(&node.parent) {
            Some(from) if !begin.contains(&node.parent) => from.origin,
            _ => node.parent,
        };
        found.insert(node.id, Reach { depth: depth + node.depth, origin });
    }
    Ok(found)
}
