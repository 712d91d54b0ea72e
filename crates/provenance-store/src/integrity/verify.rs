//! Goes through a project's chain and records, a portion at a time, and tells what does not fit. Each portion sees
//! one moment of the database, so that what is written meanwhile disturbs nothing.

mod chain_portion;
mod file_portion;
mod loose_portion;
mod record_portion;
mod seals;
mod store;

use diesel_async::AsyncPgConnection;
use protocol::ProvenanceId;
use protocol::provenance_query::integrity::{
    ChainHead, Finding, FindingKind, VerifyPage, VerifyPlace, VerifyQuery,
};
use uuid::Uuid;

use super::chain::{Hash, beginning};
use crate::marks::last_seq;
use crate::queries::Unanswered;

/// Most links or records in a portion.
const MOST_AT_ONCE: u32 = 2_000;

/// A portion of the verification of a project, or of what belongs to none.
///
/// # Errors
/// If there is no such place to go on from, or the database does not answer.
pub async fn verify(conn: &mut AsyncPgConnection, query: VerifyQuery) -> Result<VerifyPage, Unanswered> {
    let limit = i64::from(query.limit.clamp(1, MOST_AT_ONCE));
    // What belongs to no project has the chain of the empty name.
    let project_id = query.project_id.map(String::from).unwrap_or_default();
    let mut transaction = conn.build_transaction().read_only().repeatable_read();
    let portion = transaction.run(async |conn| match query.after {
        Some(place) => go_on(conn, &project_id, place, limit).await,
        None => begin(conn, &project_id, query.expected, limit).await,
    });
    portion.await
}

async fn begin(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    expected: Option<ChainHead>,
    limit: i64,
) -> Result<VerifyPage, Unanswered> {
    let mut page = chain_portion::verify(conn, project_id, (0, beginning(project_id)), limit).await?;
    page.is_known = page.revisions > 0 || store::is_known(conn, project_id).await?;
    if let Some(expected) = expected {
        page.findings.extend(compare(conn, project_id, &expected).await?);
    }
    Ok(page)
}

/// Whether the end that was noted lies in the chain of today. That the links up to there follow from each other is
/// looked at like everywhere.
async fn compare(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    expected: &ChainHead,
) -> Result<Option<Finding>, Unanswered> {
    let position = i64::try_from(expected.length).ok();
    let hash = match position {
        Some(position) => store::find_hash(conn, project_id, position).await?,
        None => None,
    };
    let (kind, detail) = match (hash, from_hex(&expected.hash)) {
        (Some(found), Some(noted)) if found == noted => return Ok(None),
        (Some(_), _) => (FindingKind::Reordered, "the chain is another than that of which the end was noted"),
        (None, _) => (FindingKind::Removed, "the chain does not reach the end that was noted"),
    };
    Ok(Some(finding(kind, position, None, detail)))
}

async fn go_on(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    place: VerifyPlace,
    limit: i64,
) -> Result<VerifyPage, Unanswered> {
    let nowhere = || Unanswered::NotFound("there is no such place to go on from".to_owned());
    let page = match place {
        VerifyPlace::Chain { position, hash } => {
            let before = from_hex(&hash).ok_or_else(nowhere)?;
            let is_there = match position {
                0 => before == beginning(project_id),
                _ => store::find_hash(conn, project_id, position).await?.is_some_and(|found| found == before),
            };
            if !is_there {
                return Err(nowhere());
            }
            chain_portion::verify(conn, project_id, (position, before), limit).await?
        }
        VerifyPlace::Records { sequence } => {
            if !(0..=last_seq(conn).await?).contains(&sequence) {
                return Err(nowhere());
            }
            record_portion::verify(conn, project_id, sequence, limit).await?
        }
        VerifyPlace::Files { position } if position >= 0 && !project_id.is_empty() => {
            file_portion::verify(conn, project_id, position, limit).await?
        }
        VerifyPlace::Loose { artifact_id } if project_id.is_empty() => {
            loose_portion::verify(conn, artifact_id, limit).await?
        }
        VerifyPlace::Files { .. } | VerifyPlace::Loose { .. } => return Err(nowhere()),
    };
    Ok(page)
}

/// Whether a portion of so many is the last, where so many were asked for.
fn is_last(found: usize, limit: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found < limit)
}

fn finding(
    kind: FindingKind,
    position: Option<i64>,
    provenance_id: Option<Uuid>,
    detail: impl Into<String>,
) -> Finding {
    Finding {
        kind,
        position: position.and_then(|position| u64::try_from(position).ok()),
        provenance_id: provenance_id.map(ProvenanceId),
        detail: detail.into(),
    }
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_the_way_through_text() {
        let hash = beginning("shop");
        assert_eq!(from_hex(&super::super::chain::to_hex(&hash)), Some(hash));
        assert_eq!(from_hex("ab"), None);
        assert_eq!(from_hex(&"ä".repeat(32)), None);
    }
}
