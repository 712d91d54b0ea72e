//! Times as the earlier system reads them: ISO 8601 in every form that Python's `datetime.fromisoformat` takes.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use protocol::Timestamp;

/// Reads a date, with a time of day behind any one character or without, and with an offset or in UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let place = separator(text.as_bytes())?;
    let date = parse_date(text.get(..place)?)?;
    let mut rest = text.get(place..)?.chars();
    let time = match rest.next() {
        None => date.and_time(NaiveTime::MIN).and_utc(),
        Some(_) => parse_time(date, rest.as_str())?,
    };
    Timestamp::if_writable(time)
}

/// How long the date is: it has one of six forms, and digits may follow it where a digit separates date and time.
fn separator(text: &[u8]) -> Option<usize> {
    let at = |place: usize| text.get(place).copied();
    let is_digit = |place: usize| at(place).is_some_and(|byte| byte.is_ascii_digit());
    if text.len() < 7 {
        return None;
    }
    let length = match (at(4)?, at(5)?) {
        (b'-', b'W') if at(8) == Some(b'-') && !is_digit(10) => 10,
        (b'-', b'W') => 8,
        (b'-', _) => 10,
        (b'W', _) => {
            let end = (7..).find(|place| !is_digit(*place))?;
            match end {
                7 | 8 => end,
                _ if end % 2 == 0 => 7,
                _ => 8,
            }
        }
        _ => 8,
    };
    (length <= text.len()).then_some(length)
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let has_dashes = text.as_bytes().get(4) == Some(&b'-');
    let mut digits = Digits { text };
    let year = i32::try_from(digits.number(4)?).ok()?;
    digits.must_skip("-", has_dashes)?;
    let date = if digits.skip("W") {
        let week = digits.number(2)?;
        let mut day = 1;
        if !digits.text.is_empty() {
            digits.must_skip("-", has_dashes)?;
            day = digits.number(1)?;
        }
        let day = Weekday::try_from(u8::try_from(day.checked_sub(1)?).ok()?).ok()?;
        NaiveDate::from_isoywd_opt(year, week, day)?
    } else {
        let month = digits.number(2)?;
        digits.must_skip("-", has_dashes)?;
        NaiveDate::from_ymd_opt(year, month, digits.number(2)?)?
    };
    digits.text.is_empty().then_some(date)
}

fn parse_time(date: NaiveDate, text: &str) -> Option<DateTime<Utc>> {
    let zone = text.find(['-', '+', 'Z']);
    let clock = Clock::parse(text.get(..zone.unwrap_or(text.len()))?)?;
    let [hour, minute, second] = clock.parts;
    let time = date.and_time(NaiveTime::from_hms_micro_opt(hour, minute, second, clock.micros)?).and_utc();
    let Some(zone) = zone else { return Some(time) };
    let offset = match text.get(zone..)? {
        "Z" => TimeDelta::zero(),
        offset => {
            let (sign, offset) = offset.split_at_checked(1)?;
            let offset = Clock::parse(offset)?.elapsed();
            match sign {
                "+" => offset,
                "-" => -offset,
                _ => return None,
            }
        }
    };
    (offset.abs() < TimeDelta::days(1)).then(|| time.checked_sub_signed(offset))?
}

/// Hours, minutes and seconds, with or without colons, as far as they are told.
struct Clock {
    parts: [u32; 3],
    micros: u32,
}

impl Clock {
    fn parse(text: &str) -> Option<Self> {
        let mut digits = Digits { text };
        let mut clock = Self { parts: [digits.number(2)?, 0, 0], micros: 0 };
        let has_colons = digits.text.starts_with(':');
        for part in clock.parts.iter_mut().skip(1) {
            if digits.text.is_empty() || digits.text.starts_with(['.', ',']) {
                break;
            }
            digits.must_skip(":", has_colons)?;
            *part = digits.number(2)?;
        }
        if digits.skip(".") || digits.skip(",") {
            clock.micros = micros(digits.text)?;
        } else if !digits.text.is_empty() {
            return None;
        }
        Some(clock)
    }

    fn elapsed(&self) -> TimeDelta {
        let [hours, minutes, seconds] = self.parts.map(i64::from);
        TimeDelta::seconds((hours * 60 + minutes) * 60 + seconds)
            + TimeDelta::microseconds(self.micros.into())
    }
}

/// A fraction of a second; what is finer is cut off.
fn micros(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{text:0<6}").get(..6)?.parse().ok()
}

/// What is left of a text that is read from its beginning.
struct Digits<'a> {
    text: &'a str,
}

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.text.split_at_checked(digits)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.text = rest;
        number.parse().ok()
    }

    fn skip(&mut self, what: &str) -> bool {
        let rest = self.text.strip_prefix(what);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    /// What separates numbers stands between all of them or none.
    fn must_skip(&mut self, what: &str, stands_there: bool) -> Option<()> {
        (self.skip(what) == stands_there).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_every_form_of_iso_8601() {
        for (text, expected) in [
            ("2026-01-09", "2026-01-09T00:00:00.000000Z"),
            ("20260109", "2026-01-09T00:00:00.000000Z"),
            ("2026-W02", "2026-01-05T00:00:00.000000Z"),
            ("2026W02", "2026-01-05T00:00:00.000000Z"),
            ("2026-W02-5", "2026-01-09T00:00:00.000000Z"),
            ("2026W025T2030", "2026-01-09T20:30:00.000000Z"),
            ("2026-W53-7", "2027-01-03T00:00:00.000000Z"),
            ("2026-01-09T20", "2026-01-09T20:00:00.000000Z"),
            ("2026-01-09T20:30", "2026-01-09T20:30:00.000000Z"),
            ("2026-01-09T2030", "2026-01-09T20:30:00.000000Z"),
            ("2026-01-09T20:30.5", "2026-01-09T20:30:00.500000Z"),
            ("20260109T203058", "2026-01-09T20:30:58.000000Z"),
            ("20260109T203058.5", "2026-01-09T20:30:58.500000Z"),
            ("2026-01-09T20:30:58,123", "2026-01-09T20:30:58.123000Z"),
            ("2026-01-09T20:30:58.123456789", "2026-01-09T20:30:58.123456Z"),
            ("2026-01-09x20:30:58", "2026-01-09T20:30:58.000000Z"),
            ("2026-01-09ü20:30:58", "2026-01-09T20:30:58.000000Z"),
            ("2026-01-09T20:30:58Z", "2026-01-09T20:30:58.000000Z"),
            ("2026-01-09T20:30:58+0200", "2026-01-09T18:30:58.000000Z"),
            ("2026-01-09T20:30:58+02", "2026-01-09T18:30:58.000000Z"),
            ("2026-01-09T20:30:58-02:00:30", "2026-01-09T22:31:28.000000Z"),
            ("2026-01-09T20:30:58+02:00:30.5", "2026-01-09T18:30:27.500000Z"),
        ] {
            assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026",
            "2026-01",
            "2026-1-9",
            "2026-13-01",
            "2026-0109",
            "202601-09",
            "2026-W54",
            "2026-W02-8",
            "2026W02-5",
            "2026-01-09T",
            "2026-01-09T2",
            "2026-01-09T24:00",
            "2026-01-09T20:3",
            "2026-01-09T20:3058",
            "2026-01-09T20:30:58.",
            "2026-01-09T20:30:58.1x",
            "2026-01-09T20:30:58+",
            "2026-01-09T20:30:58+2",
            "2026-01-09T20:30:58+24:00",
            "2026-01-09T20:30:58ZZ",
            "2026-01-09T+1:30:58",
            "9999-12-31T23:59:59-01:00",
            "yesterday",
            "٢٠٢٦-01-09",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
