//! SQL of checkpoints.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::CheckpointView;
use protocol::{CheckpointId, ProjectId};
use uuid::Uuid;

use crate::records::rows::unreadable;
use crate::statement::statement;

/// Most checkpoints that a list shows.
const MOST_LISTED: i64 = 200;

/// A checkpoint as it lies in the database.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct CheckpointRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) checkpoint_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) project_id: String,
    #[diesel(sql_type = BigInt)]
    pub(super) position: i64,
    #[diesel(sql_type = BigInt)]
    provenance_count: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_provenance_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_task_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Text)]
    pub(super) trigger: String,
    #[diesel(sql_type = Bool)]
    pub(super) is_valid: bool,
    #[diesel(sql_type = Timestamptz)]
    pub(super) created_at: DateTime<Utc>,
    /// Its id in the file that it was read from.
    #[diesel(sql_type = Nullable<Text>)]
    file_id: Option<String>,
}

impl CheckpointRow {
    /// Whether it stands for a time rather than for a place in the record order.
    pub(super) const fn is_by_time(&self) -> bool {
        self.file_id.is_some()
    }

    /// As users see it.
    pub(super) fn view(self) -> QueryResult<CheckpointView> {
        Ok(CheckpointView {
            checkpoint_id: CheckpointId(self.checkpoint_id),
            project_id: ProjectId::new(self.project_id).map_err(unreadable)?,
            description: self.description,
            trigger: self.trigger,
            created_at: self.created_at.into(),
            provenance_count: u64::try_from(self.provenance_count).unwrap_or_default(),
            last_provenance_id: self.last_provenance_id.map(Into::into),
            last_task_id: self.last_task_id.map(Into::into),
            is_valid: self.is_valid,
        })
    }
}

/// The checkpoint of this id.
pub(super) async fn find_checkpoint(
    conn: &mut AsyncPgConnection,
    id: CheckpointId,
) -> QueryResult<Option<CheckpointRow>> {
    sql_query("SELECT * FROM checkpoints WHERE checkpoint_id = $1")
        .bind::<SqlUuid, _>(id.as_uuid())
        .get_result(conn)
        .await
        .optional()
}

/// The newest checkpoints of a project, invalid ones included.
///
/// # Errors
/// The database's.
pub async fn list_checkpoints(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
) -> QueryResult<Vec<CheckpointView>> {
    let rows: Vec<CheckpointRow> = sql_query(
        "SELECT * FROM checkpoints WHERE project_id = $1 ORDER BY created_at DESC, position DESC, checkpoint_id LIMIT $2",
    )
    .bind::<Text, _>(project_id.as_str())
    .bind::<BigInt, _>(MOST_LISTED)
    .load(conn)
    .await?;
    rows.into_iter().map(CheckpointRow::view).collect()
}

statement!(
    struct InsertCheckpoint {
        checkpoint_id: Uuid as SqlUuid,
        project_id: String as Text,
        description: String as Text,
        trigger: String as Text,
        created_at: DateTime<Utc> as Timestamptz,
        counted_project: String as Text,
        last_project: String as Text,
    }
    "INSERT INTO checkpoints (checkpoint_id, project_id, description, trigger, created_at, position,
        provenance_count, last_provenance_id, last_task_id)
     SELECT $1, $2, $3, $4, $5, (SELECT COALESCE(max(seq), 0) FROM provenance_records),
        COALESCE((SELECT records FROM project_counters WHERE project_id = $6), 0),
        last.provenance_id, last.task_id
     FROM (SELECT 1) one LEFT JOIN LATERAL (
        SELECT provenance_id, task_id FROM provenance_records WHERE project_id = $7
        ORDER BY seq DESC LIMIT 1) last ON true
     RETURNING *"
);

/// Makes a checkpoint of everything recorded so far.
pub(super) async fn insert_checkpoint(
    conn: &mut AsyncPgConnection,
    id: CheckpointId,
    project_id: &ProjectId,
    description: &str,
    trigger: &str,
    created_at: DateTime<Utc>,
) -> QueryResult<CheckpointRow> {
    let insert = InsertCheckpoint {
        checkpoint_id: id.as_uuid(),
        project_id: project_id.to_string(),
        description: description.to_owned(),
        trigger: trigger.to_owned(),
        created_at,
        counted_project: project_id.to_string(),
        last_project: project_id.to_string(),
    };
    insert.get_result(conn).await
}

statement!(
    struct MarkSurplusInvalid { project_id: String as Text, kept: i64 as BigInt }
    "UPDATE checkpoints SET is_valid = false WHERE checkpoint_id IN (
        SELECT checkpoint_id FROM checkpoints WHERE project_id = $1 AND is_valid
        ORDER BY created_at DESC, position DESC, checkpoint_id OFFSET $2)"
);

/// Leaves the newest `kept` checkpoints of a project valid, or all.
pub(super) async fn mark_surplus_invalid(
    conn: &AsyncPgConnection,
    project_id: &str,
    kept: Option<u32>,
) -> QueryResult<()> {
    if let Some(kept) = kept.map(i64::from) {
        MarkSurplusInvalid { project_id: project_id.to_owned(), kept }.execute(&mut &*conn).await?;
    }
    Ok(())
}

/// Makes every checkpoint of the project invalid that was made after this one: by the record order, where both were
/// made here.
pub(super) async fn mark_later_invalid(
    conn: &mut AsyncPgConnection,
    checkpoint: &CheckpointRow,
) -> QueryResult<()> {
    sql_query(
        "UPDATE checkpoints SET is_valid = false
         WHERE project_id = $1 AND is_valid AND checkpoint_id <> $2 AND CASE WHEN file_id IS NULL AND NOT $5
            THEN (position, created_at) > ($3, $4) ELSE created_at > $4 END",
    )
    .bind::<Text, _>(&checkpoint.project_id)
    .bind::<SqlUuid, _>(checkpoint.checkpoint_id)
    .bind::<BigInt, _>(checkpoint.position)
    .bind::<Timestamptz, _>(checkpoint.created_at)
    .bind::<Bool, _>(checkpoint.is_by_time())
    .execute(conn)
    .await
    .map(|_| ())
}

statement!(
    struct MarkCheckpointed { at: DateTime<Utc> as Timestamptz, project_id: String as Text }
    "UPDATE project_counters SET checkpointed_records = records, checkpointed_at = $1 WHERE project_id = $2"
);

/// Counts on from here towards the next checkpoint that is made by itself.
pub(super) async fn mark_checkpointed(
    conn: &AsyncPgConnection,
    project_id: &str,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    MarkCheckpointed { at, project_id: project_id.to_owned() }.execute(&mut &*conn).await?;
    Ok(())
}

#[derive(QueryableByName)]
struct ProjectRow {
    #[diesel(sql_type = Text)]
    project_id: String,
}

statement!(
    struct ListDueByRecords { projects: Vec<String> as Array<Text>, every: i64 as BigInt }
    "SELECT project_id FROM project_counters
     WHERE project_id = ANY ($1) AND records - checkpointed_records >= $2 ORDER BY project_id"
);

/// Those of the projects with so many records since their newest checkpoint.
pub(super) async fn list_due_by_records(
    conn: &AsyncPgConnection,
    projects: &[String],
    every: i64,
) -> QueryResult<Vec<String>> {
    let due: Vec<ProjectRow> =
        ListDueByRecords { projects: projects.to_vec(), every }.load(&mut &*conn).await?;
    Ok(due.into_iter().map(|row| row.project_id).collect())
}

/// Projects with records since their newest checkpoint, which is older than that. The time of a project without any
/// checkpoint begins now.
pub(super) async fn list_due_by_time(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<String>> {
    sql_query("UPDATE project_counters SET checkpointed_at = $1 WHERE checkpointed_at IS NULL")
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    let rows: Vec<ProjectRow> = sql_query(
        "SELECT project_id FROM project_counters
         WHERE records > checkpointed_records AND checkpointed_at < $1 ORDER BY project_id",
    )
    .bind::<Timestamptz, _>(before)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.project_id).collect())
}
