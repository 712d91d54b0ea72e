//! Everything that an artifact has an effect on.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use protocol::provenance_query::graph::{ImpactQuery, ImpactView};
use protocol::{ProjectId, TaskId};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{GraphLimits, Sight, Unanswered, start_of};
use crate::graph::versions::by_artifact;
use crate::graph::{Direction, Limits, Reached, ReachedNode, Start, walk, walk_telling};
use crate::records::rows::unreadable;
use crate::statement::statement;

statement!(
    /// Nodes with what produced them.
    struct ListAffected { nodes: Vec<i64> as Array<BigInt> }
    "SELECT node.id, node.artifact_id, record.project_id, record.task_id
     FROM artifacts node LEFT JOIN provenance_records record ON record.seq = node.producer_seq
     WHERE node.id = ANY ((SELECT $1)::bigint[])"
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

/// The impact of what the id names. With a `second` connection what was reached is looked up while the walk goes on.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn analyze_impact(
    conn: &mut AsyncPgConnection,
    second: Option<&mut AsyncPgConnection>,
    query: ImpactQuery,
    limits: GraphLimits,
    sight: &Sight,
) -> Result<ImpactView, Unanswered> {
    let start = start_of(conn, &query.id).await?;
    let limits = limits.within(query.max_depth);
    let (mut reached, rows) = match second {
        Some(second) => look_up_meanwhile(conn, second, &start.nodes, limits).await?,
        None => {
            let reached = walk(conn, &start.nodes, Direction::Dependents, limits).await?;
            let rows = ListAffected { nodes: reached.ids() }.load(conn).await?;
            (reached, rows)
        }
    };
    sight.narrow(conn, &mut reached).await?;
    view(start, &reached, rows)
}

/// What can be reached, and what is known of it.
async fn look_up_meanwhile(
    conn: &mut AsyncPgConnection,
    second: &mut AsyncPgConnection,
    starts: &[i64],
    limits: Limits,
) -> QueryResult<(Reached, Vec<AffectedRow>)> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let walking = async move {
        let tell = |nodes: &[ReachedNode]| {
            // Nobody listens any more when the other side failed, which ends both.
            let _ = tell.send(nodes.iter().map(|node| node.id).collect::<Vec<_>>());
        };
        walk_telling(conn, starts, Direction::Dependents, limits, tell).await
    };
    let looking_up = async move {
        let mut rows: Vec<AffectedRow> = Vec::new();
        let mut levels = Vec::new();
        while told.recv_many(&mut levels, usize::MAX).await > 0 {
            let nodes = std::mem::take(&mut levels).concat();
            rows.extend(ListAffected { nodes }.load::<AffectedRow>(second).await?);
        }
        Ok(rows)
    };
    try_join!(walking, looking_up)
}

/// Only what is left of `reached` counts.
fn view(start: Start, reached: &Reached, rows: Vec<AffectedRow>) -> Result<ImpactView, Unanswered> {
    let shown: HashSet<i64> = reached.nodes.iter().map(|node| node.id).collect();
    let mut names = HashMap::with_capacity(rows.len());
    let (mut projects, mut tasks) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.into_iter().filter(|row| shown.contains(&row.id)) {
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
