//! Points in time on the wire: written as RFC 3339 UTC with `Z` and microseconds, read leniently.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, ParseError, SecondsFormat, SubsecRound, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// The first microsecond of year 0 and the last one of year 9999, since the Unix epoch: between them lie the times that
/// RFC 3339 can say.
const FIRST_MICROS: i64 = -62_167_219_200_000_000;
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// Most characters of a text that are repeated where it is refused.
const MOST_REPEATED_CHARS: usize = 40;

/// Why a text is not a time of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidTimestamp {
    /// It has no form that is read.
    #[error("{0}")]
    Malformed(ParseError),
    /// It is a time that has no RFC 3339 form in UTC, so that nobody could read it again.
    #[error("the year is not one of 0 to 9999")]
    Year,
}

/// A UTC time at microsecond precision, which is what PostgreSQL keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The underlying time, for arithmetic and for the database.
    #[must_use]
    pub const fn to_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This time if RFC 3339 can say it, so that whoever is told of it can read it: if it is of one of the years 0 to
    /// 9999, in UTC.
    #[must_use]
    pub fn if_writable(time: DateTime<Utc>) -> Option<Self> {
        (0..=9999).contains(&time.year()).then(|| time.into())
    }

    /// The same time, or the nearest one that can be written and read again.
    fn nearest_writable(self) -> Self {
        if let Some(time) = Self::if_writable(self.0) {
            return time;
        }
        let nearest = self.as_micros().clamp(FIRST_MICROS, LAST_MICROS);
        DateTime::from_timestamp_micros(nearest).map_or(self, Self)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6))
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl Deref for Timestamp {
    type Target = DateTime<Utc>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Takes RFC 3339 with any offset, and zone-less ISO 8601 as UTC: existing agents write the latter. What is read
    /// can be written and read again.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let time = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc(),
            Err(_) => parse_without_zone(text).map_err(InvalidTimestamp::Malformed)?,
        };
        // Offsets move a time across the ends of what RFC 3339 can say, and zone-less years may be signed and long.
        Self::if_writable(time).ok_or(InvalidTimestamp::Year)
    }
}

fn parse_without_zone(text: &str) -> Result<DateTime<Utc>, ParseError> {
    let format = if text.contains(' ') { "%Y-%m-%d %H:%M:%S%.f" } else { "%Y-%m-%dT%H:%M:%S%.f" };
    NaiveDateTime::parse_from_str(text, format).map(|naive| naive.and_utc())
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A database may hold others; for one of them a reader would refuse the whole document.
        serializer.collect_str(&self.nearest_writable())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error| {
            let repeated: String = text.chars().take(MOST_REPEATED_CHARS).collect();
            de::Error::custom(format_args!("{repeated:?} is not a time ({error})"))
        })
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_second_is_still_written_with_its_fraction() {
        let time: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-21T02:00:00.000000Z");
    }

    #[test]
    fn every_form_that_agents_send_is_read_as_the_same_instant() {
        let expected: Timestamp = "2026-11-21T02:00:00.500000Z".parse().unwrap();
        for text in [
            "2026-11-21T02:00:00.5",
            "2026-11-21 02:00:00.500",
            "2026-11-21T03:00:00.500+01:00",
            " 2026-11-21T02:00:00.500000 ",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap(), expected, "{text}");
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        for text in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999", "2016-12-31T23:59:60Z"] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string().parse(), Ok(time), "{text}");
        }
        for text in [
            "+200000-01-01T00:00:00",
            "+10000-01-01 00:00:00",
            "-4000-01-01T00:00:00",
            "-0001-12-31T23:59:59",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp::Year), "{text}");
        }
    }

    #[test]
    fn a_time_that_has_no_written_form_is_written_as_the_nearest_that_has() {
        for (time, expected) in [
            (DateTime::<Utc>::MAX_UTC, "9999-12-31T23:59:59.999999Z"),
            (DateTime::<Utc>::MIN_UTC, "0000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(serde_json::to_value(Timestamp::from(time)).unwrap(), expected);
        }
        let leap_second: Timestamp = "2016-12-31T23:59:60Z".parse().unwrap();
        assert_eq!(serde_json::to_value(leap_second).unwrap(), "2016-12-31T23:59:60.000000Z");
    }

    #[test]
    fn whoever_sent_something_else_is_told_what() {
        let refuse = |text: &str| serde_json::from_value::<Timestamp>(text.into()).unwrap_err().to_string();
        let message = refuse("+200000-01-01T00:00:00");
        assert_eq!(message, r#""+200000-01-01T00:00:00" is not a time (the year is not one of 0 to 9999)"#);
        assert!(refuse(&"x".repeat(1_000)).len() < 200);
    }
}
