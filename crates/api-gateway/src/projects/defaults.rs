//! What a submission needs to know of its project.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::events::JsonObject;
use protocol::vocabulary::Tier;

use super::project::ProjectConfig;
use super::store::SlotsRow;
use crate::pauses::store::{HoldOffPauses, PausedTiers};
use crate::schema::projects;
use crate::tasks::store::json::Json;
use crate::tasks::submission::LeftOpen;
use crate::tasks::task::Submission;

/// A project's slots and what its tasks begin with.
#[derive(Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SubmissionRow {
    #[diesel(embed)]
    pub(crate) slots: SlotsRow,
    config: Json<ProjectConfig>,
    constitution: Option<Json<JsonObject>>,
}

/// Those of the projects that exist, locked until the end of the transaction, in the order of their ids.
pub(crate) async fn lock_for_submission(
    conn: &mut AsyncPgConnection,
    ids: &[&ProjectId],
) -> QueryResult<Vec<SubmissionRow>> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    projects::table
        .filter(projects::project_id.eq_any(ids))
        .order(projects::project_id)
        .for_no_key_update()
        .select(SubmissionRow::as_select())
        .load(conn)
        .await
}

/// Those of the projects that exist, as they are now, without holding their rows, and the tiers that are paused. No
/// other tier is paused before the end of the transaction, but one may have been just before.
pub(crate) async fn list_for_submission(
    mut conn: &AsyncPgConnection,
    ids: &BTreeSet<&ProjectId>,
) -> QueryResult<(Vec<SubmissionRow>, Vec<Tier>)> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let rows: Vec<(SubmissionRow, String, Vec<String>)> = projects::table
        .filter(projects::project_id.eq_any(ids))
        .select((SubmissionRow::as_select(), HoldOffPauses, PausedTiers))
        .load(&mut conn)
        .await?;
    // Every row tells the same tiers.
    let mut paused = Vec::new();
    let rows = rows.into_iter().map(|(row, _, tiers)| {
        paused = tiers;
        row
    });
    let rows = rows.collect();
    Ok((rows, paused.into_iter().map(Tier::from).collect()))
}

/// What the tasks of some projects begin with. A task keeps what it began with when its project changes.
#[derive(Default)]
pub(crate) struct Defaults(HashMap<String, (ProjectConfig, Option<JsonObject>)>);

impl Defaults {
    /// Takes the defaults of one project out of its row.
    pub(crate) fn take(&mut self, row: SubmissionRow) -> SlotsRow {
        let constitution = row.constitution.map(|constitution| constitution.0);
        self.0.insert(row.slots.project_id.clone(), (row.config.0, constitution));
        row.slots
    }

    /// The submission with everything filled in that its submitter left open. Work for agents is neither judged
    /// nor told any rules.
    pub(crate) fn fill_in(&self, mut submission: Submission, open: LeftOpen) -> Submission {
        let of_project = self.0.get(submission.project_id.as_str());
        if let Some((config, constitution)) = of_project.filter(|_| submission.work_type.is_none()) {
            config.fill_in(&mut submission, open);
            if submission.constitution.is_none() {
                submission.constitution.clone_from(constitution);
            }
        }
        submission
    }
}
