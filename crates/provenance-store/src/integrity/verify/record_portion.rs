//! A portion of records: each is known to its project's chain, its marks are those that the account tells of, the
//! edges that lead to what it made are those that follow from what it used, and the file that it was imported from is
//! kept as it was. At their end they are as many as were counted when they were written.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::integrity::{Finding, FindingKind, VerifyPage, VerifyPlace};

use super::{finding, is_last, store};
use crate::artifacts::edges;
use crate::interchange::kept;
use crate::marks;
use crate::project_counters::find_counts;
use crate::schema::provenance_records;

/// Looks at the records behind the place `after` in the record order.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<VerifyPage> {
    let records = store::list_chained(conn, project_id, after, limit).await?;
    let is_last = is_last(records.len(), limit);
    let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let unaccounted: HashSet<i64> = marks::list_unaccounted(conn, seqs.clone()).await?;
    let misconnected: HashSet<i64> = edges::list_misconnected(conn, seqs.clone()).await?;
    let rewritten: HashSet<i64> = kept::list_altered_records(conn, seqs).await?;
    let mut page = VerifyPage::default();
    for record in &records {
        let misfits = [
            (!record.is_linked, FindingKind::Added, "the record is not in the chain"),
            (
                unaccounted.contains(&record.seq),
                FindingKind::Altered,
                "the record's marks are not those that the account of marks tells of",
            ),
            (
                misconnected.contains(&record.seq),
                FindingKind::Altered,
                "the edges to what the record made are not those that follow from what it used",
            ),
            (
                rewritten.contains(&record.seq),
                FindingKind::Altered,
                "the file that the record was imported from is not kept as it was",
            ),
        ];
        let misfits = misfits.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        page.findings
            .extend(misfits.map(|(_, kind, detail)| finding(kind, None, Some(record.provenance_id), detail)));
    }
    if is_last {
        page.findings.extend(count(conn, project_id).await?);
        page.next = stage_behind(conn, project_id).await?;
    } else {
        page.next = records.last().map(|last| VerifyPlace::Records { sequence: last.seq });
    }
    Ok(page)
}

/// Compares the number of records with that which was counted. Those of no project are not counted.
async fn count(conn: &mut AsyncPgConnection, project_id: &str) -> QueryResult<Option<Finding>> {
    if project_id.is_empty() {
        return Ok(None);
    }
    let counted = find_counts(conn, project_id).await?.map_or(0, |counts| counts.records);
    let found: i64 = provenance_records::table
        .filter(provenance_records::project_id.eq(project_id))
        .count()
        .get_result(conn)
        .await?;
    let kind = match found.cmp(&counted) {
        std::cmp::Ordering::Equal => return Ok(None),
        std::cmp::Ordering::Less => FindingKind::Removed,
        std::cmp::Ordering::Greater => FindingKind::Added,
    };
    let detail =
        format!("the project has {found} records, and {counted} were counted when they were written");
    Ok(Some(finding(kind, None, None, detail)))
}

/// What is to be looked at after the records.
async fn stage_behind(conn: &mut AsyncPgConnection, project_id: &str) -> QueryResult<Option<VerifyPlace>> {
    if project_id.is_empty() {
        return Ok(Some(VerifyPlace::Loose { artifact_id: String::new() }));
    }
    let has_files = kept::has_files(conn, project_id).await?;
    Ok(has_files.then_some(VerifyPlace::Files { position: 0 }))
}
