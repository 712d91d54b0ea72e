//! Moments as numbers that can travel inside a text, so that whoever receives a message knows when its request was
//! meant to be sent.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment: the time since this program first asked for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self(START.elapsed())
    }

    /// A later one.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0 + time)
    }

    /// How long ago it was; zero if it is yet to come.
    #[must_use]
    pub fn age(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }

    /// How long until it comes; zero if it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_sub(Self::now().0)
    }

    /// The moment as text that [`Moment::find`] finds again among other text.
    #[must_use]
    pub fn stamp(self) -> String {
        format!("@{}", self.0.as_nanos())
    }

    /// The moment stamped into a text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let (_, digits) = text.rsplit_once('@')?;
        digits.parse().ok().map(|nanoseconds| Self(Duration::from_nanos(nanoseconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_again_in_the_text_around_it() {
        let moment = Moment::now().after(Duration::from_secs(3));
        assert_eq!(Moment::find(&format!("Write a function {}", moment.stamp())), Some(moment));
        assert_eq!(Moment::find("Write to me@example.org"), None);
        assert!(moment.age().is_zero() && !moment.remaining().is_zero());
    }
}
