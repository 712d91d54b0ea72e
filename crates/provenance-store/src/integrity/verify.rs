//! Goes through a project's chain and records, a portion at a time, and tells what does not fit. Each portion sees
//! one moment of the database, so that what is written meanwhile disturbs nothing.

mod chain_portion;
mod record_portion;
mod seals;

use diesel_async::AsyncPgConnection;
use protocol::ProvenanceId;
use protocol::provenance_query::integrity::{Finding, FindingKind, VerifyPage, VerifyPlace, VerifyQuery};
use uuid::Uuid;

use super::chain::{Hash, beginning};
use crate::queries::Unanswered;

/// Most links or records in a portion.
const MOST_AT_ONCE: u32 = 2_000;

/// A portion of the verification of a project.
///
/// # Errors
/// If the place to go on from makes no sense, or the database does not answer.
pub async fn verify(conn: &mut AsyncPgConnection, query: VerifyQuery) -> Result<VerifyPage, Unanswered> {
    let project_id = query.project_id.to_string();
    let limit = i64::from(query.limit.clamp(1, MOST_AT_ONCE));
    let place = match query.after {
        None => VerifyPlace::Chain { position: 0, hash: super::chain::to_hex(&beginning(&project_id)) },
        Some(place) => place,
    };
    let mut transaction = conn.build_transaction().read_only().repeatable_read();
    let page = match place {
        VerifyPlace::Chain { position, hash } => {
            let Some(before) = from_hex(&hash) else {
                return Err(Unanswered::Invalid("the hash to go on from is not one".to_owned()));
            };
            transaction
                .run(async |conn| chain_portion::verify(conn, &project_id, (position, before), limit).await)
                .await?
        }
        VerifyPlace::Records { sequence } => {
            transaction
                .run(async |conn| record_portion::verify(conn, &project_id, sequence, limit).await)
                .await?
        }
    };
    Ok(page)
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
