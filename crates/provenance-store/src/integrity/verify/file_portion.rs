//! A portion of the files of marks and checkpoints that were imported and are written back as they came.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{FindingKind, VerifyPage, VerifyPlace};

use super::{finding, is_last};
use crate::interchange::kept;

/// Looks at the files behind that place.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<VerifyPage> {
    let files = kept::list_files(conn, project_id, after, limit).await?;
    let is_last = is_last(files.len(), limit);
    let altered = files.iter().filter(|file| !file.is_as_it_came());
    let findings = altered.map(|file| {
        let detail = format!("the {} {:?} is not kept as it was imported", file.what(), file.file_id);
        finding(FindingKind::Altered, None, None, detail)
    });
    Ok(VerifyPage {
        findings: findings.collect(),
        next: files.last().filter(|_| !is_last).map(|last| VerifyPlace::Files { position: last.position }),
        ..VerifyPage::default()
    })
}
