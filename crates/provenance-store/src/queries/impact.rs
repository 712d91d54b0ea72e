//! Everything that an artifact has an effect on.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::graph::{ImpactQuery, ImpactView};
use protocol::{ProjectId, TaskId};
use uuid::Uuid;

use super::{GraphLimits, Sight, Unanswered, start_of};
use crate::graph::versions::by_artifact;
use crate::graph::{Direction, walk};
use crate::records::rows::unreadable;
use crate::statement::statement;

statement!(
    /// Nodes with what produced them.
    struct ListAffected { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node.id, node.artifact_id, record.project_id, record.task_id
     FROM artifacts node LEFT JOIN provenance_records record ON record.seq = node.producer_seq
     WHERE node.id = ANY ($1)"
);

#[derive(QueryableByName)]
struct AffectedRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    project_id: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    task_id: Option<Uuid>,
}

/// The impact of what the id names.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn analyze_impact(
    conn: &mut AsyncPgConnection,
    query: ImpactQuery,
    limits: GraphLimits,
    sight: &Sight,
) -> Result<ImpactView, Unanswered> {
    let start = start_of(conn, &query.id).await?;
    let limits = limits.within(query.max_depth);
    let mut reached = walk(conn, &start.nodes, Direction::Dependents, limits).await?;
    sight.narrow(conn, &mut reached).await?;
    let rows: Vec<AffectedRow> = ListAffected { nodes: reached.ids() }.load(conn).await?;
    let mut names = HashMap::with_capacity(rows.len());
    let (mut projects, mut tasks) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        names.insert(row.id, row.artifact_id);
        if let Some(project_id) = row.project_id {
            projects.insert(project_id);
        }
        tasks.extend(row.task_id);
    }
    let artifacts = by_artifact(&reached.nodes, names);
    let max_depth = artifacts.last().map_or(0, |furthest| furthest.nearest.depth);
    let direct = artifacts.iter().take_while(|found| found.nearest.depth == 1);
    Ok(ImpactView {
        artifact_id: start.artifact_id,
        direct_dependents: direct.map(|found| found.artifact_id.clone()).collect(),
        total_affected: u64::try_from(artifacts.len()).unwrap_or(u64::MAX),
        transitive_dependents: artifacts.into_iter().map(|found| found.artifact_id).collect(),
        max_depth,
        projects: projects
            .into_iter()
            .map(|project| ProjectId::new(project).map_err(unreadable))
            .collect::<QueryResult<_>>()?,
        tasks: tasks.into_iter().map(TaskId::from).collect(),
        truncated: reached.truncated,
    })
}
