//! A portion of records: each is known to its project's chain, its marks are those that the account tells of, and the
//! edges that lead to what it made are those that follow from what it used.

use std::collections::HashSet;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{FindingKind, VerifyPage, VerifyPlace};

use super::finding;
use crate::artifacts::edges;
use crate::integrity::store;
use crate::marks;

/// Looks at the records behind the place `after` in the record order.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<VerifyPage> {
    let records = store::list_chained(conn, project_id, after, limit).await?;
    let is_last = i64::try_from(records.len()).is_ok_and(|found| found < limit);
    let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let unaccounted: HashSet<i64> = marks::list_unaccounted(conn, seqs.clone()).await?;
    let misconnected: HashSet<i64> = edges::list_misconnected(conn, seqs).await?;
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
        ];
        let misfits = misfits.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        page.findings
            .extend(misfits.map(|(_, kind, detail)| finding(kind, None, Some(record.provenance_id), detail)));
    }
    page.next = records.last().filter(|_| !is_last).map(|last| VerifyPlace::Records { sequence: last.seq });
    Ok(page)
}
