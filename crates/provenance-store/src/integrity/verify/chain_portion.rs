//! A portion of links: each follows from the one before it, and the record of each is as its latest link says.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::provenance_query::integrity::{ChainHead, Finding, FindingKind, VerifyPage, VerifyPlace};

use super::store::{self, RevisionRow};
use super::{finding, is_last, seals};
use crate::integrity::chain::{Hash, Link, to_hex};
use crate::records::written::{WrittenRecord, list_written};

/// Looks at the links behind `after`, which is a position and the hash there.
pub(super) async fn verify(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: (i64, Hash),
    limit: i64,
) -> QueryResult<VerifyPage> {
    let rows = store::list_revisions(conn, project_id, after.0, limit).await?;
    let is_last = is_last(rows.len(), limit);
    let mut page =
        VerifyPage { revisions: u64::try_from(rows.len()).unwrap_or(u64::MAX), ..VerifyPage::default() };
    let (position, hash) = follow(&rows, after, &mut page.findings)?;
    let links = rows.iter().map(|row| Ok((row.position, row.link()?))).collect::<QueryResult<Vec<_>>>()?;
    seals::check(conn, project_id, after.0, &links, &mut page.findings).await?;
    check_records(conn, project_id, &links, &mut page).await?;
    if is_last {
        seals::check_end(conn, project_id, position, &mut page.findings).await?;
        page.head = check_end(conn, project_id, (position, hash), &mut page.findings).await?;
        page.next = Some(VerifyPlace::Records { sequence: 0 });
    } else {
        page.next = Some(VerifyPlace::Chain { position, hash: to_hex(&hash) });
    }
    Ok(page)
}

/// Computes the hashes anew. Behind a link that does not fit it goes on from what is written there, so that each
/// break is told once.
fn follow(rows: &[RevisionRow], after: (i64, Hash), findings: &mut Vec<Finding>) -> QueryResult<(i64, Hash)> {
    let (mut position, mut before) = after;
    for row in rows {
        let link = row.link()?;
        let written = <Hash>::try_from(row.hash.as_slice()).unwrap_or_default();
        let about = Some(link.provenance_id).filter(|_| !seals::is_seal(&link));
        let here = (Some(row.position), about);
        if row.position != position + 1 {
            let detail = format!("links {} to {} are missing", position + 1, row.position - 1);
            findings.push(finding(FindingKind::Removed, Some(position + 1), None, detail));
        } else if link.hash(&before, row.position) != written {
            let detail = "the link does not follow from the one before it";
            findings.push(finding(FindingKind::Reordered, here.0, here.1, detail));
        }
        (position, before) = (row.position, written);
    }
    Ok((position, before))
}

/// Compares the records of these links with what was written.
async fn check_records(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    links: &[(i64, Link)],
    page: &mut VerifyPage,
) -> QueryResult<()> {
    let links: Vec<_> = links.iter().filter(|(_, link)| !seals::is_seal(link)).collect();
    let seqs: BTreeSet<i64> = links.iter().map(|(_, link)| link.record_seq).collect();
    let records = list_written(conn, &seqs.into_iter().collect::<Vec<_>>()).await?;
    let latest = store::find_linked(conn, records.iter().map(|(seq, record)| (*seq, record))).await?;
    let mut told = HashSet::new();
    for (position, link) in links {
        let here = Here { project_id, position: *position, link };
        let record = records.get(&link.record_seq);
        page.records += u64::from(record.is_some_and(|record| here.is_latest_of(record)));
        let Some((kind, detail)) = here.misfit(record, &latest) else { continue };
        if told.insert((link.record_seq, kind)) {
            page.findings.push(finding(kind, Some(*position), Some(link.provenance_id), detail));
        }
    }
    Ok(())
}

/// A link about a record, and where it lies.
struct Here<'a> {
    project_id: &'a str,
    position: i64,
    link: &'a Link,
}

impl Here<'_> {
    /// Whether the record says that this is its latest link.
    fn is_latest_of(&self, record: &WrittenRecord) -> bool {
        record.project_id == self.project_id && record.chain_position == Some(self.position)
    }

    /// What is wrong with the record, if anything is. `latest` has the digests of the links that records rightly say
    /// are their latest, wherever they lie.
    fn misfit(
        &self,
        record: Option<&WrittenRecord>,
        latest: &HashMap<i64, Vec<u8>>,
    ) -> Option<(FindingKind, &'static str)> {
        const OTHER_CONTENT: &str = "the record does not say what was written";
        let Some(record) = record else {
            return Some((FindingKind::Removed, "the record is not there any more"));
        };
        if record.provenance_id != self.link.provenance_id {
            return Some((FindingKind::Altered, "another record is in its place"));
        }
        if self.is_latest_of(record) {
            let detail = match record.digest {
                Some(digest) if digest == self.link.digest && record.has_its_content => return None,
                Some(digest) if digest == self.link.digest => {
                    "the record's outputs are not those that were written"
                }
                _ => OTHER_CONTENT,
            };
            return Some((FindingKind::Altered, detail));
        }
        let digest = latest.get(&self.link.record_seq);
        if record.project_id == self.project_id {
            // Its latest link is a later one, and is looked at when it comes.
            let is_later = record.chain_position.is_some_and(|latest| latest > self.position);
            let detail = "the record does not know of its latest link";
            return (digest.is_none() || !is_later).then_some((FindingKind::Altered, detail));
        }
        match digest {
            None => {
                let detail = "the record says that it is of a project whose chain does not know it";
                Some((FindingKind::Altered, detail))
            }
            Some(digest) if record.digest.is_none_or(|found| found != digest.as_slice()) => {
                Some((FindingKind::Altered, OTHER_CONTENT))
            }
            Some(_) => None,
        }
    }
}

/// Whether the chain ends where it should.
async fn check_end(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    (position, hash): (i64, Hash),
    findings: &mut Vec<Finding>,
) -> QueryResult<Option<ChainHead>> {
    let end = store::find_end(conn, project_id).await?;
    match &end {
        None if position == 0 => return Ok(None),
        None => {
            let detail = "where the chain should end is not known any more";
            findings.push(finding(FindingKind::Removed, Some(position), None, detail));
        }
        Some((length, _)) if *length > position => {
            let detail = format!("links {} to {length} are missing", position + 1);
            findings.push(finding(FindingKind::Removed, Some(position + 1), None, detail));
        }
        Some((length, head)) if *length < position || *head != hash => {
            let detail = "the chain does not end where it should";
            findings.push(finding(FindingKind::Reordered, Some(position), None, detail));
        }
        Some(_) => {}
    }
    Ok(Some(ChainHead { length: u64::try_from(position).unwrap_or_default(), hash: to_hex(&hash) }))
}
