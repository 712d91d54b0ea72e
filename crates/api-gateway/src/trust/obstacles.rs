//! What keeps a task from being released although a slot is free: the truth that the releasing transaction looks at.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use uuid::Uuid;

use super::store::list_tainted_inputs;
use crate::schema::tasks;
use crate::tasks::changes::{Cause, ChangeSet, admitted};
use crate::tasks::lifecycle::Input;
use crate::tasks::task::Task;

/// Obstacles by task; those that have none are free to go.
#[derive(Debug, Default)]
pub(crate) struct Obstacles {
    tainted: HashMap<TaskId, String>,
    reopened: HashMap<TaskId, Vec<TaskId>>,
}

/// Looks for what is in the way of these tasks, which the caller has locked.
pub(crate) async fn find_obstacles(conn: &mut AsyncPgConnection, waiting: &[Task]) -> QueryResult<Obstacles> {
    let with_inputs: Vec<TaskId> = waiting
        .iter()
        .map(|task| &task.submission)
        .filter(|submission| !submission.inputs.is_empty() || !submission.depends_on.is_empty())
        .map(|submission| submission.id)
        .collect();
    if with_inputs.is_empty() {
        return Ok(Obstacles::default());
    }
    let tainted = list_tainted_inputs(conn, &with_inputs).await?;
    Ok(Obstacles {
        tainted: tainted.into_iter().map(|row| (TaskId(row.task_id), row.artifact_id)).collect(),
        reopened: reopened_dependencies(conn, waiting).await?,
    })
}

/// Tasks were completed when these were told to go on, and run again since.
async fn reopened_dependencies(
    conn: &mut AsyncPgConnection,
    waiting: &[Task],
) -> QueryResult<HashMap<TaskId, Vec<TaskId>>> {
    let named: HashSet<Uuid> =
        waiting.iter().flat_map(|task| &task.submission.depends_on).map(|id| id.as_uuid()).collect();
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let open: HashSet<Uuid> = tasks::table
        .filter(tasks::task_id.eq_any(named.into_iter().collect::<Vec<_>>()))
        .filter(tasks::status.ne("completed"))
        .select(tasks::task_id)
        .load(conn)
        .await?
        .into_iter()
        .collect();
    let waits = waiting.iter().map(|task| {
        let depends_on = task.submission.depends_on.iter().copied();
        (task.submission.id, depends_on.filter(|id| open.contains(&id.as_uuid())).collect::<Vec<_>>())
    });
    Ok(waits.filter(|(_, by)| !by.is_empty()).collect())
}

impl Obstacles {
    /// Releases the task, or says what it has to wait for.
    pub(crate) fn release(&self, changes: &mut ChangeSet<'_>, task: TaskId) -> QueryResult<()> {
        let (input, event) = if let Some(by) = self.reopened.get(&task) {
            changes.wait_for(task, by);
            (Input::DependencyReopened, "dependency.reopened")
        } else if let Some(artifact) = self.tainted.get(&task) {
            (Input::InputTainted { artifact: artifact.clone() }, "input.tainted")
        } else {
            (admitted(), "task.admitted")
        };
        changes.apply(task, &input, &Cause::ours(event)).map(|_| ())
    }
}
