//! Opaque places in a list. A cursor carries a check sum, so that one that was cut or mistyped is refused as such
//! and does not silently lead somewhere else. It is no secret: whoever forges one only names another place.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use protocol::{ProjectId, TaskId, Timestamp};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::projects::catalogue::ProjectKey;
use crate::tasks::queries::PageKey;

const CHECK_BYTES: usize = 4;
const KIND_TASK_PAGE: u8 = 1;
const KIND_HISTORY: u8 = 2;
const KIND_PROJECT_PAGE: u8 = 3;
const KIND_AUDIT: u8 = 41;

/// A text that is not a cursor of that list.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("is not a cursor of this list")]
pub(crate) struct InvalidCursor;

/// Where a list of tasks goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskCursor(pub(crate) PageKey);

/// After which entry a history goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryCursor(pub(crate) u64);

/// Where a list of projects goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectCursor(pub(crate) ProjectKey);

impl fmt::Display for ProjectCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = self.0.created_at.as_micros().to_be_bytes().to_vec();
        place.extend_from_slice(self.0.id.as_str().as_bytes());
        write_sealed(formatter, KIND_PROJECT_PAGE, &place)
    }
}

impl FromStr for ProjectCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_PROJECT_PAGE)?;
        let (micros, id) = place.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let created_at = time_of(*micros)?;
        let id = std::str::from_utf8(id).map_err(|_| InvalidCursor)?;
        let id = ProjectId::new(id).map_err(|_| InvalidCursor)?;
        Ok(Self(ProjectKey { created_at, id }))
    }
}

impl fmt::Display for TaskCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = self.0.created_at.as_micros().to_be_bytes().to_vec();
        place.extend_from_slice(self.0.task_id.as_uuid().as_bytes());
        write_sealed(formatter, KIND_TASK_PAGE, &place)
    }
}

impl FromStr for TaskCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_TASK_PAGE)?;
        let (micros, task_id) = place.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let created_at = time_of(*micros)?;
        let task_id = TaskId(Uuid::from_slice(task_id).map_err(|_| InvalidCursor)?);
        Ok(Self(PageKey { created_at, task_id }))
    }
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sealed(formatter, KIND_HISTORY, &self.0.to_be_bytes())
    }
}

impl FromStr for HistoryCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_HISTORY)?;
        sequence_of(&place).map(Self)
    }
}

/// Where the audit log goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditCursor(pub(crate) u64);

impl fmt::Display for AuditCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sealed(formatter, KIND_AUDIT, &self.0.to_be_bytes())
    }
}

impl FromStr for AuditCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let place = unsealed(text, KIND_AUDIT)?;
        sequence_of(&place).map(Self)
    }
}

/// Writes a place in lists of that kind: kind, place and check sum in lower-case hex.
pub(crate) fn write_sealed(formatter: &mut fmt::Formatter<'_>, kind: u8, place: &[u8]) -> fmt::Result {
    let check = check_of(kind, place);
    let bytes = std::iter::once(&kind).chain(place).chain(&check);
    bytes.into_iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

/// The place that a cursor of that kind names.
///
/// # Errors
/// If the text was changed, or is of another kind.
pub(crate) fn unsealed(text: &str, kind: u8) -> Result<Vec<u8>, InvalidCursor> {
    let bytes = from_hex(text).ok_or(InvalidCursor)?;
    let (&found, rest) = bytes.split_first().ok_or(InvalidCursor)?;
    let (place, check) = rest.split_last_chunk::<CHECK_BYTES>().ok_or(InvalidCursor)?;
    if found == kind && *check == check_of(kind, place) { Ok(place.to_vec()) } else { Err(InvalidCursor) }
}

/// A time that a list can be at: one that can be told to whoever keeps the list.
///
/// # Errors
/// If nobody could write it.
pub(crate) fn time_of(micros: [u8; 8]) -> Result<Timestamp, InvalidCursor> {
    DateTime::from_timestamp_micros(i64::from_be_bytes(micros))
        .and_then(Timestamp::if_writable)
        .ok_or(InvalidCursor)
}

/// A sequence number, which the database counts as a signed one.
fn sequence_of(place: &[u8]) -> Result<u64, InvalidCursor> {
    let sequence = place.try_into().map(i64::from_be_bytes).map_err(|_| InvalidCursor)?;
    u64::try_from(sequence).map_err(|_| InvalidCursor)
}

fn check_of(kind: u8, place: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new_with_prefix([kind]).chain_update(place).finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let (pairs, odd) = digits.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere() -> TaskCursor {
        TaskCursor(PageKey {
            created_at: "2024-05-06T07:08:09.123456Z".parse().unwrap(),
            task_id: TaskId::generate(),
        })
    }

    #[test]
    fn a_cursor_survives_the_round_trip() {
        assert_eq!(somewhere().to_string().len(), 58);
        let cursor = somewhere();
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let created_at = "2024-05-06T07:08:09.123456Z".parse().unwrap();
        let project = ProjectCursor(ProjectKey { created_at, id: ProjectId::default() });
        assert_eq!(project.to_string().parse(), Ok(project));
        assert_eq!(HistoryCursor(77).to_string().parse(), Ok(HistoryCursor(77)));
    }

    #[test]
    fn a_changed_cursor_is_refused_wherever_it_was_changed() {
        let text = somewhere().to_string();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(changed.parse::<TaskCursor>(), Err(InvalidCursor), "{at}");
            assert_eq!(text[..at].parse::<TaskCursor>(), Err(InvalidCursor), "cut at {at}");
        }
    }

    #[test]
    fn a_forged_cursor_leads_to_no_time_that_nobody_can_write() {
        let sealed = |kind: u8, micros: i64, rest: &[u8]| {
            let place = [&micros.to_be_bytes(), rest].concat();
            fmt::from_fn(|formatter| write_sealed(formatter, kind, &place)).to_string()
        };
        let last = DateTime::parse_from_rfc3339("9999-12-31T23:59:59.999999Z").unwrap().timestamp_micros();
        let first = DateTime::parse_from_rfc3339("0000-01-01T00:00:00Z").unwrap().timestamp_micros();
        let task = [7; 16];
        for (micros, fits) in [
            (first, true),
            (last, true),
            (first - 1, false),
            (last + 1, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(sealed(KIND_TASK_PAGE, micros, &task).parse::<TaskCursor>().is_ok(), fits, "{micros}");
            assert_eq!(sealed(KIND_PROJECT_PAGE, micros, b"web").parse::<ProjectCursor>().is_ok(), fits);
        }
    }

    #[test]
    fn a_forged_cursor_leads_to_no_sequence_that_nothing_can_have() {
        let furthest = i64::MAX.unsigned_abs();
        assert_eq!(AuditCursor(furthest).to_string().parse(), Ok(AuditCursor(furthest)));
        assert_eq!(AuditCursor(furthest + 1).to_string().parse::<AuditCursor>(), Err(InvalidCursor));
        assert_eq!(HistoryCursor(u64::MAX).to_string().parse::<HistoryCursor>(), Err(InvalidCursor));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        assert_eq!(HistoryCursor(1).to_string().parse::<TaskCursor>(), Err(InvalidCursor));
        assert_eq!(somewhere().to_string().parse::<HistoryCursor>(), Err(InvalidCursor));
    }
}
