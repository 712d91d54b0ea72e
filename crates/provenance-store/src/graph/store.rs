//! SQL of walks.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Direction;
use super::search::Step;
use crate::statement::statement;

statement!(
    /// One step downstream. Touches nothing but the edges' primary key.
    struct ExpandDependents { nodes: Vec<i64> as Array<BigInt>, most: Option<i64> as Nullable<BigInt> }
    "SELECT output_id AS reached, min(input_id) AS origin FROM artifact_dependencies
     WHERE input_id = ANY ($1) GROUP BY output_id ORDER BY output_id LIMIT $2"
);

statement!(
    /// One step upstream. Touches nothing but the index of that direction.
    struct ExpandDependencies { nodes: Vec<i64> as Array<BigInt>, most: Option<i64> as Nullable<BigInt> }
    "SELECT input_id AS reached, min(output_id) AS origin FROM artifact_dependencies
     WHERE output_id = ANY ($1) GROUP BY input_id ORDER BY input_id LIMIT $2"
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

statement!(
    /// The outside names of nodes.
    struct ListNames { nodes: Vec<i64> as Array<BigInt> }
    "SELECT id, artifact_id FROM artifacts WHERE id = ANY ($1)"
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
