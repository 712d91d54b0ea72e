//! Times as people read them.

use chrono::{DateTime, TimeDelta, Utc};

/// How long ago, or in how long; empty for what is no time.
pub(crate) fn ago(time: &str, now: DateTime<Utc>) -> String {
    let Ok(time) = DateTime::parse_from_rfc3339(time) else { return String::new() };
    let past = now - time.to_utc();
    if past < TimeDelta::zero() { format!("in {}", span(-past)) } else { format!("{} ago", span(past)) }
}

/// For how long by now; empty for what is no time.
pub(crate) fn lasting(since: &str, now: DateTime<Utc>) -> String {
    DateTime::parse_from_rfc3339(since)
        .map_or_else(|_| String::new(), |since| span((now - since.to_utc()).max(TimeDelta::zero())))
}

/// A length of time in its two largest units.
pub(crate) fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d {}h", hours % 24),
        () if hours > 0 => format!("{hours}h {}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m {}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// Milliseconds as people read them.
pub(crate) fn milliseconds(count: u64) -> String {
    if count < 10_000 {
        return format!("{count} ms");
    }
    span(TimeDelta::milliseconds(i64::try_from(count).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units_are_told() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        for (time, told) in [
            ("2026-11-21T11:59:30.5Z", "29s ago"),
            ("2026-11-21T11:50:00Z", "10m 0s ago"),
            ("2026-11-21T08:15:00Z", "3h 45m ago"),
            ("2026-11-18T08:00:00Z", "3d 4h ago"),
            ("2026-11-21T12:01:30Z", "in 1m 30s"),
            ("", ""),
        ] {
            assert_eq!(ago(time, now), told, "{time}");
        }
        assert_eq!(lasting("2026-11-21T11:50:00Z", now), "10m 0s");
        assert_eq!(lasting("2026-11-21T12:50:00Z", now), "0s", "clocks differ");
        assert_eq!(milliseconds(1500), "1500 ms");
        assert_eq!(milliseconds(75_000), "1m 15s");
    }
}
