//! The chain itself: what a link's hash is made of. Pure.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// SHA-256.
pub type Hash = [u8; 32];

/// What separates these hashes from all others; a change of the way they are made changes it.
const DOMAIN: &[u8] = b"dats.record-chain.1";

/// Why a record says something else than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A worker or agent told more; also of a record's beginning.
    Reported,
    /// The verdict changed.
    Judged,
    /// The gateway told what the reporter had left out.
    Announced,
    /// No record says anything else: the account of marks grew.
    Marked,
}

impl Cause {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Judged => "judged",
            Self::Announced => "announced",
            Self::Marked => "marked",
        }
    }
}

/// One version of a record, as a link of its project's chain; or what was added to the project's account of marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The record's place in the record order; of a link about marks the last row of the account.
    pub record_seq: i64,
    /// The record; nil of a link about marks.
    pub provenance_id: Uuid,
    /// Why it came to say this; the word of a [`Cause`].
    pub cause: String,
    /// Its verdict since then.
    pub verdict: String,
    /// When that was.
    pub revised_at: DateTime<Utc>,
    /// Fingerprint of everything it says since then.
    pub digest: Hash,
}

/// What the first link of a project's chain is linked to.
#[must_use]
pub fn beginning(project_id: &str) -> Hash {
    Sha256::new_with_prefix(DOMAIN).chain_update(project_id).finalize().into()
}

impl Link {
    /// The hash of this link at that position behind a link with the hash `before`.
    #[must_use]
    pub fn hash(&self, before: &Hash, position: i64) -> Hash {
        let mut hasher = Sha256::new_with_prefix(DOMAIN);
        hasher.update(before);
        hasher.update(position.to_be_bytes());
        hasher.update(self.record_seq.to_be_bytes());
        hasher.update(self.provenance_id.as_bytes());
        hasher.update(self.revised_at.timestamp_micros().to_be_bytes());
        hasher.update(self.digest);
        for word in [&self.cause, &self.verdict] {
            // With its length, so that no text can stand for another division into words.
            hasher.update(u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(word);
        }
        hasher.finalize().into()
    }
}

/// In lower-case hex.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            record_seq: 7,
            provenance_id: Uuid::from_u128(9),
            cause: "judged".to_owned(),
            verdict: "passed".to_owned(),
            revised_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            digest: [3; 32],
        }
    }

    #[test]
    fn every_part_of_a_link_and_its_place_are_in_its_hash() {
        let before = beginning("shop");
        let hash = link().hash(&before, 1);
        assert_eq!(hash, link().hash(&before, 1));
        let later = DateTime::from_timestamp_micros(1_800_000_000_000_001).unwrap();
        let others = [
            Link { record_seq: 8, ..link() },
            Link { provenance_id: Uuid::from_u128(8), ..link() },
            Link { cause: "reported".to_owned(), ..link() },
            Link { cause: "judgedp".to_owned(), verdict: "assed".to_owned(), ..link() },
            Link { verdict: "failed".to_owned(), ..link() },
            Link { revised_at: later, ..link() },
            Link { digest: [4; 32], ..link() },
        ];
        for other in others {
            assert_ne!(hash, other.hash(&before, 1), "{other:?}");
        }
        assert_ne!(hash, link().hash(&before, 2));
        assert_ne!(hash, link().hash(&beginning("shop2"), 1));
    }

    #[test]
    fn hashes_stay_the_same_from_version_to_version() {
        let hash = link().hash(&beginning("shop"), 1);
        assert_eq!(to_hex(&hash), "8a7f2634c268ff27d28743383c209d82b019dded8b7a014ae192eed1066fde23");
    }
}
