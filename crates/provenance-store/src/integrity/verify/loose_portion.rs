//! A portion of artifacts that nobody produced: each is marked as its last row in the account says.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{FindingKind, VerifyPage, VerifyPlace};

use super::{finding, is_last};
use crate::marks;

/// Looks at the artifacts behind that one.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    after: String,
    limit: i64,
) -> QueryResult<VerifyPage> {
    let mut artifacts = marks::list_loose(conn, after, limit).await?;
    let is_last = is_last(artifacts.len(), limit);
    let unaccounted = artifacts.iter().filter(|artifact| !artifact.is_accounted);
    let findings = unaccounted.map(|artifact| {
        let detail = format!(
            "the marks of the artifact {:?}, which nobody produced, are not those that the account of marks tells of",
            artifact.artifact_id
        );
        finding(FindingKind::Altered, None, None, detail)
    });
    Ok(VerifyPage {
        findings: findings.collect(),
        next: artifacts
            .pop()
            .filter(|_| !is_last)
            .map(|last| VerifyPlace::Loose { artifact_id: last.artifact_id }),
        ..VerifyPage::default()
    })
}
