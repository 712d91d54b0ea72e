//! Numbers of records per project, kept by the transactions that change records.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::records::projection::Marks;
use crate::schema::project_counters;
use crate::statement::statement;

/// Numbers of one project, or changes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = project_counters, check_for_backend(diesel::pg::Pg))]
pub struct Counts {
    /// All records.
    pub records: i64,
    /// Those found wrong.
    pub tainted: i64,
    /// Those built on something found wrong.
    pub suspect: i64,
}

/// What a transaction changes in the counters. Records of unknown project are not counted.
#[derive(Debug, Default)]
pub struct CounterChanges {
    by_project: BTreeMap<String, Counts>,
}

impl CounterChanges {
    /// A record with these marks joins a project.
    pub fn add(&mut self, project_id: Option<&str>, marks: Marks) {
        self.change(project_id, marks, 1);
    }

    /// A record with these marks leaves a project.
    pub fn remove(&mut self, project_id: Option<&str>, marks: Marks) {
        self.change(project_id, marks, -1);
    }

    fn change(&mut self, project_id: Option<&str>, marks: Marks, by: i64) {
        let Some(project_id) = project_id else { return };
        let counts = self.by_project.entry(project_id.to_owned()).or_default();
        counts.records += by;
        counts.tainted += by * i64::from(marks.is_tainted);
        counts.suspect += by * i64::from(marks.is_suspect);
    }

    /// The projects that records join.
    #[must_use]
    pub fn growing(&self) -> Vec<String> {
        let growing = self.by_project.iter().filter(|(_, counts)| counts.records > 0);
        growing.map(|(project_id, _)| project_id.clone()).collect()
    }

    /// Applies the changes.
    pub async fn save(self, conn: &AsyncPgConnection) -> QueryResult<()> {
        let mut save = ChangeCounters::default();
        for (project_id, counts) in self.by_project {
            if counts == Counts::default() {
                continue;
            }
            save.project_id.push(project_id);
            save.records.push(counts.records);
            save.tainted.push(counts.tainted);
            save.suspect.push(counts.suspect);
        }
        if !save.project_id.is_empty() {
            save.execute(&mut &*conn).await?;
        }
        Ok(())
    }
}

statement!(
    /// Adds to the counters. A project that has none yet cannot lose records, so its first change is its count.
    struct ChangeCounters {
        project_id: Vec<String> as Array<Text>,
        records: Vec<i64> as Array<BigInt>,
        tainted: Vec<i64> as Array<BigInt>,
        suspect: Vec<i64> as Array<BigInt>,
    }
    "WITH change AS (SELECT * FROM UNNEST($1, $2, $3, $4) AS change (project_id, records, tainted, suspect)),
     known AS (
        UPDATE project_counters SET
            records = project_counters.records + change.records,
            tainted = project_counters.tainted + change.tainted,
            suspect = project_counters.suspect + change.suspect
        FROM change WHERE project_counters.project_id = change.project_id
        RETURNING project_counters.project_id
     )
     INSERT INTO project_counters (project_id, records, tainted, suspect)
     SELECT * FROM change WHERE project_id NOT IN (SELECT project_id FROM known)"
);

/// The counters of a project; none if no record of it was ever written.
pub async fn find_counts(conn: &mut AsyncPgConnection, project_id: &str) -> QueryResult<Option<Counts>> {
    project_counters::table.find(project_id).select(Counts::as_select()).first(conn).await.optional()
}
