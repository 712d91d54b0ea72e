//! The links that seal a project's account of marks: each is about what lies there now.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{Finding, FindingKind};

use super::finding;
use crate::integrity::chain::{Cause, Link};
use crate::integrity::seals;

/// Whether a link is one of these.
pub(super) fn is_seal(link: &Link) -> bool {
    link.cause == Cause::Marked.as_str()
}

/// Looks at the seals among these links, which lie behind the position `after`.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    links: &[(i64, Link)],
    findings: &mut Vec<Finding>,
) -> QueryResult<()> {
    let sealing: Vec<&(i64, Link)> = links.iter().filter(|(_, link)| is_seal(link)).collect();
    if sealing.is_empty() {
        return Ok(());
    }
    let mut before = seals::find_sealed(conn, project_id, after).await?;
    let mut parts = Vec::with_capacity(sealing.len());
    for (_, link) in &sealing {
        parts.push((before, link.record_seq));
        before = link.record_seq;
    }
    let found = seals::digest_parts(conn, project_id, &parts).await?;
    for (position, link) in sealing {
        let part = found.iter().find(|part| part.up_to == link.record_seq);
        let (kind, detail) = match part.and_then(|part| part.digest.as_ref()) {
            Some(digest) if digest.as_slice() == link.digest => continue,
            Some(_) => (FindingKind::Altered, "the account of marks does not say what was written"),
            None => (FindingKind::Removed, "a part of the account of marks is not there any more"),
        };
        findings.push(finding(kind, Some(*position), None, detail));
    }
    Ok(())
}

/// Looks behind the last seal, where there is nothing. What belongs to no project has rows from before there were seals:
/// until the first of its own it may have some.
pub(super) async fn check_end(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    position: i64,
    findings: &mut Vec<Finding>,
) -> QueryResult<()> {
    let sealed = seals::find_sealed(conn, project_id, position).await?;
    if sealed == 0 && project_id.is_empty() {
        return Ok(());
    }
    if seals::is_more_behind(conn, project_id, sealed).await? {
        let detail = "the account of marks has more than what was written";
        findings.push(finding(FindingKind::Added, None, None, detail));
    }
    Ok(())
}
