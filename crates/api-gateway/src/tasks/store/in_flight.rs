//! Tasks that have not ended, by the artifacts that they have to do with. Goes through those tasks, which are few
//! beside those that have ended, and never through all.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::{ProjectId, TaskId};
use uuid::Uuid;

const LIST: &str = "
    WITH RECURSIVE affected AS MATERIALIZED (SELECT UNNEST($1) AS artifact_id),
    -- What a part made is what the task that was split made, and others depend on that one.
    maker AS (
        SELECT UNNEST($2) AS task_id
        UNION
        SELECT part.parent_id FROM maker JOIN tasks part USING (task_id) WHERE part.parent_id IS NOT NULL),
    open AS MATERIALIZED (
        SELECT task_id, inputs, depends_on FROM tasks WHERE status IN ('pending', 'running')
            AND ($3 IS NULL OR project_id = ANY ($3)))
    SELECT task_id FROM open JOIN maker USING (task_id)
    UNION
    SELECT open.task_id FROM open
    CROSS JOIN LATERAL jsonb_to_recordset(open.inputs) AS input (artifact_id text)
    JOIN affected ON affected.artifact_id = input.artifact_id
    UNION
    SELECT open.task_id FROM open CROSS JOIN LATERAL UNNEST(open.depends_on) AS needed (task_id)
    JOIN maker ON maker.task_id = needed.task_id
    ORDER BY task_id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

/// The tasks that have not ended and are among the makers, are given one of the artifacts, or depend on a maker. A task
/// that was split counts as a maker of what its parts made.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    artifacts: Vec<String>,
    makers: &[TaskId],
    within: Option<&[ProjectId]>,
) -> QueryResult<Vec<TaskId>> {
    let makers: Vec<Uuid> = makers.iter().map(|task| task.as_uuid()).collect();
    let within: Option<Vec<&str>> = within.map(|ids| ids.iter().map(ProjectId::as_str).collect());
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Array<Text>, _>(artifacts)
        .bind::<Array<SqlUuid>, _>(makers)
        .bind::<Nullable<Array<Text>>, _>(within)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| TaskId(row.task_id)).collect())
}
