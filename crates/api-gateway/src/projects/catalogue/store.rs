//! SQL of projects as their owners see them.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::events::JsonObject;
use uuid::Uuid;

use super::ProjectsFrom;
use crate::projects::project::{NewProject, Project, ProjectConfig};
use crate::schema::projects;
use crate::tasks::store::json::Json;
use crate::tasks::store::row::corrupt;

#[derive(Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
struct ProjectRow {
    project_id: String,
    name: String,
    description: String,
    repo_url: Option<String>,
    config: Json<ProjectConfig>,
    constitution: Option<Json<JsonObject>>,
    max_concurrent: Option<i32>,
    pending: i64,
    running: i64,
    completed: i64,
    failed: i64,
    cancelled: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ProjectRow> for Project {
    type Error = diesel::result::Error;

    fn try_from(row: ProjectRow) -> QueryResult<Self> {
        let tasks = row.pending + row.running + row.completed + row.failed + row.cancelled;
        Ok(Self {
            id: ProjectId::new(row.project_id).map_err(|error| corrupt("project_id", error))?,
            name: row.name,
            description: row.description,
            repo_url: row.repo_url,
            config: ProjectConfig {
                max_concurrent: row.max_concurrent.map(i32::unsigned_abs),
                ..row.config.0
            },
            constitution: row.constitution.map(|constitution| constitution.0),
            task_count: tasks.unsigned_abs(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

fn whole(found: Option<ProjectRow>) -> QueryResult<Option<Project>> {
    found.map(Project::try_from).transpose()
}

fn max_concurrent(config: &ProjectConfig) -> Option<i32> {
    config.max_concurrent.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX))
}

/// Stores a project; `None` if there is one of that id.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    new: &NewProject,
    operation: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Project>> {
    let row = diesel::insert_into(projects::table)
        .values((
            projects::project_id.eq(new.id.as_str()),
            projects::name.eq(&new.name),
            projects::description.eq(&new.description),
            projects::repo_url.eq(&new.repo_url),
            projects::config.eq(Json(&new.config)),
            projects::max_concurrent.eq(max_concurrent(&new.config)),
            projects::created_at.eq(now),
            projects::updated_at.eq(now),
            projects::operation_id.eq(operation),
        ))
        .on_conflict_do_nothing()
        .returning(ProjectRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    whole(row)
}

/// The project of that id, if that request made it.
pub(super) async fn find_made_by(
    conn: &mut AsyncPgConnection,
    id: &ProjectId,
    operation: Uuid,
) -> QueryResult<Option<Project>> {
    let row = projects::table
        .find(id.as_str())
        .filter(projects::operation_id.eq(operation))
        .select(ProjectRow::as_select())
        .first(conn)
        .await
        .optional()?;
    whole(row)
}

/// The project, if there is one of that id.
pub(super) async fn find(conn: &mut AsyncPgConnection, id: &ProjectId) -> QueryResult<Option<Project>> {
    whole(projects::table.find(id.as_str()).select(ProjectRow::as_select()).first(conn).await.optional()?)
}

/// The same, locked until the end of the transaction.
pub(super) async fn lock(conn: &mut AsyncPgConnection, id: &ProjectId) -> QueryResult<Option<Project>> {
    let found = projects::table.find(id.as_str()).for_no_key_update().select(ProjectRow::as_select());
    whole(found.first(conn).await.optional()?)
}

/// All projects, or those of `ids`.
fn among(ids: Option<&[ProjectId]>) -> projects::BoxedQuery<'_, Pg> {
    let all = projects::table.into_boxed();
    match ids {
        Some(ids) => all.filter(projects::project_id.eq_any(ids.iter().map(ProjectId::as_str))),
        None => all,
    }
}

/// Projects from a place on, newest first.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    limit: i64,
    within: Option<&[ProjectId]>,
    from: &ProjectsFrom,
) -> QueryResult<Vec<Project>> {
    let mut query = among(within)
        .order((projects::created_at.desc(), projects::project_id.desc()))
        .limit(limit)
        .select(ProjectRow::as_select());
    query = match from {
        ProjectsFrom::Offset(offset) => query.offset(i64::from(*offset)),
        ProjectsFrom::After(key) => query.filter(
            sql::<Bool>("(created_at, project_id) < (")
                .bind::<Timestamptz, _>(key.created_at.to_utc())
                .sql(", ")
                .bind::<Text, _>(key.id.as_str())
                .sql(")"),
        ),
    };
    let rows: Vec<ProjectRow> = query.load(conn).await?;
    rows.into_iter().map(Project::try_from).collect()
}

/// How many there are.
pub(super) async fn count(conn: &mut AsyncPgConnection, within: Option<&[ProjectId]>) -> QueryResult<i64> {
    among(within).count().get_result(conn).await
}

/// Writes what an owner can change.
pub(super) async fn update(conn: &mut AsyncPgConnection, project: &Project) -> QueryResult<()> {
    diesel::update(projects::table.find(project.id.as_str()))
        .set((
            projects::name.eq(&project.name),
            projects::description.eq(&project.description),
            projects::repo_url.eq(&project.repo_url),
            projects::config.eq(Json(&project.config)),
            projects::constitution.eq(project.constitution.as_ref().map(Json)),
            projects::max_concurrent.eq(max_concurrent(&project.config)),
            projects::updated_at.eq(project.updated_at.to_utc()),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Deletes the project if it has no task. The condition is looked at again under the row's lock, so that a task
/// that comes in meanwhile either is seen or finds no project and makes it anew.
pub(super) async fn delete_empty(conn: &mut AsyncPgConnection, id: &ProjectId) -> QueryResult<bool> {
    let tasks =
        projects::pending + projects::running + projects::completed + projects::failed + projects::cancelled;
    let deleted = diesel::delete(projects::table.find(id.as_str()).filter(tasks.eq(0))).execute(conn).await?;
    Ok(deleted > 0)
}
