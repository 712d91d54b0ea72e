//! A portion of records: each is known to its project's chain.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{FindingKind, VerifyPage, VerifyPlace};

use super::finding;
use crate::integrity::store;

/// Looks at the records behind the place `after` in the record order.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<VerifyPage> {
    let records = store::list_chained(conn, project_id, after, limit).await?;
    let is_last = i64::try_from(records.len()).is_ok_and(|found| found < limit);
    let findings = records.iter().filter(|record| !record.is_linked).map(|record| {
        let detail = "the record is not in the chain";
        finding(FindingKind::Added, None, Some(record.provenance_id), detail)
    });
    let next = records.last().filter(|_| !is_last).map(|last| VerifyPlace::Records { sequence: last.seq });
    Ok(VerifyPage { findings: findings.collect(), next, ..VerifyPage::default() })
}
