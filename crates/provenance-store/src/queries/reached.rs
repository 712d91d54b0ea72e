//! What was made from an artifact, and what it was made from: each artifact once, nearest first, in pages.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::graph::{ReachedArtifact as View, ReachedPage, ReachedPlace, ReachedQuery};
use protocol::vocabulary::Relationship;
use protocol::{ArtifactId, ProvenanceId};
use uuid::Uuid;

use super::{GraphLimits, Sight, Unanswered, start_of};
use crate::graph::versions::{ReachedArtifact, by_artifact};
use crate::graph::{Direction, store, walk};
use crate::records::rows::unreadable;
use crate::statement::statement;

/// A page of what can be reached.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn list_reached(
    conn: &mut AsyncPgConnection,
    query: ReachedQuery,
    direction: Direction,
    limits: GraphLimits,
    sight: &Sight,
) -> Result<ReachedPage, Unanswered> {
    let start = start_of(conn, &query.id).await?;
    let limits = if query.transitive { limits.within(query.max_depth) } else { limits.direct() };
    let mut reached = walk(conn, &start.nodes, direction, limits).await?;
    sight.narrow(conn, &mut reached).await?;
    let names = store::list_names(conn, reached.ids()).await?;
    let artifacts = by_artifact(&reached.nodes, names);
    let total = artifacts.len();
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let after = query.after.map(|place| (place.depth, place.artifact_id));
    let behind = |found: &ReachedArtifact| {
        after.as_ref().is_none_or(|(depth, artifact_id)| found.place() > (*depth, artifact_id.as_str()))
    };
    let mut page: Vec<ReachedArtifact> =
        artifacts.into_iter().filter(behind).take(limit.saturating_add(1)).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next = page
        .last()
        .filter(|_| has_more)
        .map(|last| ReachedPlace { depth: last.nearest.depth, artifact_id: last.artifact_id.clone() });
    Ok(ReachedPage {
        artifact_id: start.artifact_id,
        artifacts: describe(conn, page, direction).await?,
        total: u64::try_from(total).unwrap_or(u64::MAX),
        truncated: reached.truncated,
        next,
    })
}

statement!(
    /// The producers of nodes, and how they were reached.
    struct DescribeReached {
        node: Vec<i64> as Array<BigInt>,
        input: Vec<i64> as Array<BigInt>,
        output: Vec<i64> as Array<BigInt>,
    }
    "SELECT way.node, record.provenance_id, edge.relationship
     FROM UNNEST($1, $2, $3) AS way (node, input, output)
     JOIN artifact_dependencies edge ON edge.input_id = way.input AND edge.output_id = way.output
     JOIN artifacts ON artifacts.id = way.node
     LEFT JOIN provenance_records record ON record.seq = artifacts.producer_seq"
);

#[derive(QueryableByName)]
struct DescribedRow {
    #[diesel(sql_type = BigInt)]
    node: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    provenance_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    relationship: String,
}

async fn describe(
    conn: &mut AsyncPgConnection,
    page: Vec<ReachedArtifact>,
    direction: Direction,
) -> QueryResult<Vec<View>> {
    let mut describe = DescribeReached::default();
    for found in &page {
        let (node, parent) = (found.nearest.id, found.nearest.parent);
        let (input, output) = match direction {
            Direction::Dependents => (parent, node),
            Direction::Dependencies => (node, parent),
        };
        describe.node.push(node);
        describe.input.push(input);
        describe.output.push(output);
    }
    let rows: Vec<DescribedRow> = describe.load(conn).await?;
    let described: HashMap<i64, DescribedRow> = rows.into_iter().map(|row| (row.node, row)).collect();
    page.into_iter()
        .map(|found| {
            let row = described.get(&found.nearest.id);
            let relationship = match row {
                Some(row) => row.relationship.parse().map_err(unreadable)?,
                // The edge was derived anew in this very moment.
                None => Relationship::Consumed,
            };
            Ok(View {
                artifact_id: ArtifactId::new(found.artifact_id).map_err(unreadable)?,
                provenance_id: row.and_then(|row| row.provenance_id).map(ProvenanceId),
                relationship,
                depth: found.nearest.depth,
                versions: found.versions,
            })
        })
        .collect()
}
