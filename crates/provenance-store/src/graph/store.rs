//! SQL of walks. Which nodes are asked for is hidden from the planner: it would look at each of them, and for 20,000 that
//! took 40 ms.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Direction;
use super::ahead::Levels;
use super::search::Step;
use crate::statement::statement;

statement!(
    /// One step downstream. Touches nothing but the edges' primary key.
    struct ExpandDependents { nodes: Vec<i64> as Array<BigInt>, most: Option<i64> as Nullable<BigInt> }
    "SELECT output_id AS reached, min(input_id) AS origin FROM artifact_dependencies
     WHERE input_id = ANY ((SELECT $1)::bigint[]) GROUP BY output_id ORDER BY output_id LIMIT $2"
);

statement!(
    /// One step upstream. Touches nothing but the index of that direction.
    struct ExpandDependencies { nodes: Vec<i64> as Array<BigInt>, most: Option<i64> as Nullable<BigInt> }
    "SELECT input_id AS reached, min(output_id) AS origin FROM artifact_dependencies
     WHERE output_id = ANY ((SELECT $1)::bigint[]) GROUP BY input_id ORDER BY input_id LIMIT $2"
);

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = BigInt)]
    reached: i64,
    #[diesel(sql_type = BigInt)]
    origin: i64,
}

/// Where edges lead from these nodes: each node reached once, at most so many of them.
pub(super) async fn expand(
    conn: &mut AsyncPgConnection,
    direction: Direction,
    nodes: Vec<i64>,
    most: Option<usize>,
) -> QueryResult<impl Iterator<Item = Step> + use<>> {
    let most = most.and_then(|most| i64::try_from(most).ok());
    let rows: Vec<StepRow> = match direction {
        Direction::Dependents => ExpandDependents { nodes, most }.load(conn).await?,
        Direction::Dependencies => ExpandDependencies { nodes, most }.load(conn).await?,
    };
    Ok(rows.into_iter().map(|row| Step { to: row.reached, from: row.origin }))
}

/// Most levels that are looked ahead at once.
const MOST_LEVELS: i32 = 512;
/// Most steps of these.
const MOST_STEPS_AHEAD: i64 = 2_048;

/// Some levels in direction `$from` to `$to`. The recursion works level by level, so that a limit cuts off the last.
macro_rules! ahead {
    ($from:literal, $to:literal) => {
        concat!(
            "WITH RECURSIVE ahead (level, reached, origin) AS (
                SELECT 1, ",
            $to,
            ", ",
            $from,
            " FROM artifact_dependencies WHERE ",
            $from,
            " = ANY ((SELECT $1)::bigint[])
              UNION
                SELECT level + 1, ",
            $to,
            ", ",
            $from,
            " FROM ahead
                JOIN artifact_dependencies ON ",
            $from,
            " = reached WHERE level < $2
             )
             SELECT level, reached, origin FROM ahead LIMIT $3"
        )
    };
}

statement!(
    struct LookDownstream { nodes: Vec<i64> as Array<BigInt>, levels: i32 as Integer, most: i64 as BigInt }
    ahead!("input_id", "output_id")
);

statement!(
    struct LookUpstream { nodes: Vec<i64> as Array<BigInt>, levels: i32 as Integer, most: i64 as BigInt }
    ahead!("output_id", "input_id")
);

#[derive(QueryableByName)]
struct AheadRow {
    #[diesel(sql_type = Integer)]
    level: i32,
    #[diesel(sql_type = BigInt)]
    reached: i64,
    #[diesel(sql_type = BigInt)]
    origin: i64,
}

/// Where edges lead from these nodes, and from there, and so on.
pub(super) async fn expand_ahead(
    conn: &mut AsyncPgConnection,
    direction: Direction,
    nodes: Vec<i64>,
) -> QueryResult<Levels> {
    let (levels, most) = (MOST_LEVELS, MOST_STEPS_AHEAD);
    let mut rows: Vec<AheadRow> = match direction {
        Direction::Dependents => LookDownstream { nodes, levels, most }.load(conn).await?,
        Direction::Dependencies => LookUpstream { nodes, levels, most }.load(conn).await?,
    };
    let is_cut = i64::try_from(rows.len()).is_ok_and(|found| found >= most);
    rows.sort_unstable_by_key(|row| (row.level, row.reached, row.origin));
    rows.dedup_by_key(|row| (row.level, row.reached));
    let steps = rows
        .chunk_by(|row, next| row.level == next.level)
        .map(|level| level.iter().map(|row| Step { to: row.reached, from: row.origin }).collect());
    Ok(Levels { steps: steps.collect(), is_cut })
}

statement!(
    /// The outside names of nodes.
    struct ListNames { nodes: Vec<i64> as Array<BigInt> }
    "SELECT id, artifact_id FROM artifacts WHERE id = ANY ((SELECT $1)::bigint[])"
);

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    artifact_id: String,
}

/// The artifact ids of these nodes.
///
/// # Errors
/// The database's.
pub async fn list_names(conn: &mut AsyncPgConnection, nodes: Vec<i64>) -> QueryResult<HashMap<i64, String>> {
    let rows: Vec<NameRow> = ListNames { nodes }.load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.artifact_id)).collect())
}
