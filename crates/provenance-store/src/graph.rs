//! Walks through the graph of artifacts: what was built on something, and what it was built from.
//! Level by level; every node is expanded once, so that circles end and diamonds cost nothing. A wide level is a
//! statement, of narrow ones many share one: what is deep must not cost a round trip for every step.

mod ahead;
pub mod search;
pub mod start;
pub mod store;
pub mod versions;

pub use search::{Limits, Reached, ReachedNode, Search};
pub use start::{Start, find_start};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

/// Most nodes that one statement expands.
const MOST_AT_ONCE: usize = 20_000;

/// A level of no more nodes than this is narrow.
const NARROW: usize = 32;
/// After so many narrow levels in a row it is looked ahead.
const NARROW_LEVELS: u32 = 8;

/// Which way to go along the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Downstream: what was made from it.
    Dependents,
    /// Upstream: what it was made from.
    Dependencies,
}

/// Everything that can be reached from these nodes, nearest first. A start is among it only where a way leads back
/// to it, or from another start. What was written meanwhile may be missed, unless the transaction holds the
/// [writer lock](crate::writer_lock).
///
/// # Errors
/// The database's.
pub async fn walk(
    conn: &mut AsyncPgConnection,
    starts: &[i64],
    direction: Direction,
    limits: Limits,
) -> QueryResult<Reached> {
    walk_telling(conn, starts, direction, limits, |_| ()).await
}

/// As [`walk`]; `told` hears of nodes as they are reached, so that somebody else can go on with them meanwhile.
///
/// # Errors
/// The database's.
pub async fn walk_telling(
    conn: &mut AsyncPgConnection,
    starts: &[i64],
    direction: Direction,
    limits: Limits,
    mut told: impl FnMut(&[ReachedNode]),
) -> QueryResult<Reached> {
    let mut search = Search::new(starts, limits);
    let (mut narrow_levels, mut known) = (0, 0);
    while let Some(nodes) = search.next(MOST_AT_ONCE) {
        narrow_levels = if nodes.len() <= NARROW { narrow_levels + 1 } else { 0 };
        let looked_ahead = narrow_levels > NARROW_LEVELS && {
            let levels = store::expand_ahead(conn, direction, nodes.clone()).await?;
            ahead::absorb(&mut search, levels)
        };
        if !looked_ahead {
            narrow_levels %= NARROW_LEVELS + 1;
            search.absorb(store::expand(conn, direction, nodes, search.most_steps()).await?);
        }
        let new = search.reached_since(known);
        known += new.len();
        if !new.is_empty() {
            told(new);
        }
    }
    Ok(search.end())
}
