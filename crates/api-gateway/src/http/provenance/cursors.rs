//! Places in the lists of this family, as opaque text.

use std::fmt;
use std::str::FromStr;

use protocol::provenance_query::graph::ReachedPlace;
use protocol::provenance_query::integrity::VerifyPlace;
use protocol::provenance_query::records::RecordPlace;

use crate::http::cursor::{InvalidCursor, time_of, unsealed, write_sealed};

const KIND_RECORDS: u8 = 16;
const KIND_REACHED: u8 = 17;
const KIND_VERIFICATION: u8 = 18;

/// Where a list of records goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordCursor(pub(super) RecordPlace);

/// Where a list of dependents or dependencies goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReachedCursor(pub(super) ReachedPlace);

/// Where a verification goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VerifyCursor(pub(super) VerifyPlace);

impl fmt::Display for RecordCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = self.0.created_at.as_micros().to_be_bytes().to_vec();
        place.extend_from_slice(&self.0.sequence.to_be_bytes());
        write_sealed(formatter, KIND_RECORDS, &place)
    }
}

impl FromStr for RecordCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_RECORDS)?;
        let (micros, sequence) = place.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let created_at = time_of(*micros)?;
        let sequence = sequence.try_into().map(i64::from_be_bytes).map_err(|_| InvalidCursor)?;
        Ok(Self(RecordPlace { created_at, sequence }))
    }
}

impl fmt::Display for ReachedCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = self.0.depth.to_be_bytes().to_vec();
        place.extend_from_slice(self.0.artifact_id.as_bytes());
        write_sealed(formatter, KIND_REACHED, &place)
    }
}

impl FromStr for ReachedCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_REACHED)?;
        let (depth, artifact_id) = place.split_first_chunk::<4>().ok_or(InvalidCursor)?;
        let artifact_id = String::from_utf8(artifact_id.to_vec()).map_err(|_| InvalidCursor)?;
        Ok(Self(ReachedPlace { depth: u32::from_be_bytes(*depth), artifact_id }))
    }
}

impl fmt::Display for VerifyCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        write_sealed(formatter, KIND_VERIFICATION, &place)
    }
}

impl FromStr for VerifyCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_VERIFICATION)?;
        let place = serde_json::from_slice(&place).map_err(|_| InvalidCursor)?;
        let is_place = match &place {
            VerifyPlace::Chain { position, hash } => *position >= 0 && is_hash(hash),
            VerifyPlace::Records { sequence } => *sequence >= 0,
            VerifyPlace::Files { position } => *position >= 0,
            VerifyPlace::Loose { artifact_id } => !artifact_id.contains('\0'),
        };
        is_place.then_some(Self(place)).ok_or(InvalidCursor)
    }
}

/// Whether a text is a SHA-256 as it is written here.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_round_trip_and_are_not_mixed_up() {
        let created_at = "2026-05-06T07:08:09.123456Z".parse().unwrap();
        let records = RecordCursor(RecordPlace { created_at, sequence: -7 });
        assert_eq!(records.to_string().parse(), Ok(records));
        let reached = ReachedCursor(ReachedPlace { depth: 3, artifact_id: "ä/b".to_owned() });
        assert_eq!(reached.to_string().parse(), Ok(reached.clone()));
        let verification = VerifyCursor(VerifyPlace::Chain { position: 9, hash: "ab".repeat(32) });
        assert_eq!(verification.to_string().parse(), Ok(verification.clone()));
        assert_eq!(reached.to_string().parse::<RecordCursor>(), Err(InvalidCursor));
        assert_eq!(verification.to_string().parse::<ReachedCursor>(), Err(InvalidCursor));
        assert_eq!("".parse::<VerifyCursor>(), Err(InvalidCursor));
        let chain = |position, hash: String| VerifyPlace::Chain { position, hash };
        for forged in [
            chain(9, "zz".to_owned()),
            chain(9, "AB".repeat(32)),
            chain(-9, "ab".repeat(32)),
            VerifyPlace::Records { sequence: -1 },
            VerifyPlace::Files { position: i64::MIN },
            VerifyPlace::Loose { artifact_id: "a\0".to_owned() },
        ] {
            assert_eq!(VerifyCursor(forged).to_string().parse::<VerifyCursor>(), Err(InvalidCursor));
        }
        let far_future = "106f05b59d3b2000000000000000000005fe71ba83";
        assert_eq!(far_future.parse::<RecordCursor>(), Err(InvalidCursor));
    }
}
