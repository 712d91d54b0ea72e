//! Everything that is built on some versions of artifacts, with where each way begins.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::MarkRules;
use crate::graph::{Direction, Limits, walk};

/// How a version was come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Edges from where the walk began.
    pub(super) depth: u32,
    /// Where it began.
    pub(super) origin: i64,
}

/// Walks downstream from these versions, each with a depth to count on from. A starting point is among what is
/// found only if a way leads back to it. What lies beyond the rules' limit is left out.
pub(super) async fn walk_downstream(
    conn: &mut AsyncPgConnection,
    starts: &[(i64, u32)],
    rules: MarkRules,
) -> QueryResult<HashMap<i64, Reach>> {
    let begin: HashMap<i64, u32> = starts.iter().copied().collect();
    let ids: HashSet<i64> = begin.keys().copied().collect();
    let limits = Limits { depth: rules.max_depth, ..Limits::NONE };
    let reached = walk(conn, &ids.into_iter().collect::<Vec<_>>(), Direction::Dependents, limits).await?;
    let mut found: HashMap<i64, Reach> = HashMap::with_capacity(reached.nodes.len());
    for node in reached.nodes {
        let from = match begin.get(&node.parent) {
            Some(&depth) => Some(Reach { depth, origin: node.parent }),
            None => found.get(&node.parent).copied(),
        };
        let Some(from) = from else { continue };
        let reach = Reach { depth: from.depth + 1, origin: from.origin };
        if rules.reaches(reach.depth) {
            found.insert(node.id, reach);
        }
    }
    Ok(found)
}
