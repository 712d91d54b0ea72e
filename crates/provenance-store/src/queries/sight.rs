//! What a reader may see of the graph. A walk goes through everything, so that what is behind somebody else's work is
//! found; what the reader may not see is then left out of the answer.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;

use crate::graph::Reached;
use crate::statement::statement;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    #[default]
    Everything,
    /// What records of these projects made, and what they used that nobody made.
    Within(Vec<ProjectId>),
}

statement!(
    /// Those of the nodes that belong to one of the projects.
    struct ListVisible { projects: Vec<String> as Array<Text>, nodes: Vec<i64> as Array<BigInt> }
    "WITH own AS (SELECT UNNEST($1) AS project_id)
     SELECT node.id FROM artifacts node LEFT JOIN provenance_records record ON record.seq = node.producer_seq
     WHERE node.id = ANY ($2) AND (
        record.project_id IN (SELECT project_id FROM own)
        OR (node.producer_seq IS NULL AND EXISTS (
            SELECT 1 FROM artifact_dependencies edge
            JOIN artifacts made ON made.id = edge.output_id
            JOIN provenance_records maker ON maker.seq = made.producer_seq
            WHERE edge.input_id = node.id AND maker.project_id IN (SELECT project_id FROM own))))"
);

#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl Sight {
    /// Leaves out what is not to be seen.
    pub(super) async fn narrow(
        &self,
        conn: &mut AsyncPgConnection,
        reached: &mut Reached,
    ) -> QueryResult<()> {
        if let Some(visible) = self.visible(conn, reached.ids()).await? {
            reached.nodes.retain(|node| visible.contains(&node.id));
        }
        Ok(())
    }

    /// Those of the nodes that are to be seen; `None` for all of them.
    pub(crate) async fn visible(
        &self,
        conn: &mut AsyncPgConnection,
        nodes: Vec<i64>,
    ) -> QueryResult<Option<HashSet<i64>>> {
        let Self::Within(projects) = self else { return Ok(None) };
        let projects = projects.iter().map(ToString::to_string).collect();
        let rows: Vec<NodeRow> = ListVisible { projects, nodes }.load(conn).await?;
        Ok(Some(rows.into_iter().map(|row| row.id).collect()))
    }

    /// Whether records of the project are to be seen.
    pub(crate) fn shows(&self, project: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Within(projects) => project.is_some_and(|own| projects.iter().any(|id| id.as_str() == own)),
        }
    }
}
