//! A clock that is wrong on purpose, for tests of what a wrong clock does. Release builds have none.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};

use super::Clock;

/// The environment variable that names the file.
pub(super) const FILE: &str = "DATS_CLOCK_SHIFT_FILE";

/// The machine's clock, wrong by as many seconds as a file says at the moment.
#[derive(Debug, Clone)]
pub(super) struct ShiftedClock {
    file: PathBuf,
}

impl ShiftedClock {
    pub(super) fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    /// Right as long as there is no file, or no number in it.
    fn shift(&self) -> TimeDelta {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.trim().parse().ok().and_then(TimeDelta::try_seconds).unwrap_or_default()
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.shift()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_is_wrong_by_what_the_file_says() {
        let file = std::env::temp_dir().join(format!("dats-clock-{}", std::process::id()));
        let clock = ShiftedClock::new(&file);
        assert!((clock.now() - Utc::now()).num_minutes() == 0);
        std::fs::write(&file, "-3600\n").unwrap();
        assert_eq!((clock.now() - Utc::now()).num_minutes(), -60);
        std::fs::remove_file(&file).unwrap();
    }
}
