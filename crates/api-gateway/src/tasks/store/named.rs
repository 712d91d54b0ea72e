//! Tasks that were handed in under an id of the submitter's choosing, when the same id comes again.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use protocol::events::JsonObject;
use uuid::Uuid;

use super::json::Json;
use super::row::TaskRow;
use crate::schema::tasks;
use crate::tasks::task::Task;

/// Those of the tasks that exist, without a lock.
pub(crate) async fn find_tasks(
    mut conn: &AsyncPgConnection,
    ids: &[TaskId],
) -> QueryResult<HashMap<TaskId, Task>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<TaskRow> =
        tasks::table.filter(tasks::task_id.eq_any(ids)).select(TaskRow::as_select()).load(&mut conn).await?;
    rows.into_iter().map(|row| Task::try_from(row).map(|task| (task.submission.id, task))).collect()
}

/// Whether the task has these parameters. The database compares, because it keeps numbers in a form of its own.
pub(crate) async fn has_parameters(
    conn: &mut AsyncPgConnection,
    id: TaskId,
    parameters: &Option<JsonObject>,
) -> QueryResult<bool> {
    let parameters = parameters.as_ref().map(Json);
    let same = tasks::table.find(id.as_uuid()).filter(tasks::parameters.is_not_distinct_from(parameters));
    diesel::select(exists(same)).get_result(conn).await
}
