//! Delays between attempts: exponential growth, a cap, and full jitter, so that many clients of a
//! recovering server do not come back at the same moment.

use std::time::Duration;

use rand::Rng;

/// The delays of one series of attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    initial: Duration,
    cap: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// A series whose first delay is at most `initial`, and whose later ones are at most `cap`.
    #[must_use]
    pub fn new(initial: Duration, cap: Duration) -> Self {
        let initial = initial.min(cap);
        Self { initial, cap, ceiling: initial }
    }

    /// How long to wait before the next attempt: evenly spread between nothing and a ceiling that
    /// doubles with each call until it reaches the cap.
    pub fn next_delay(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = ceiling.saturating_mul(2).min(self.cap);
        ceiling.mul_f64(rand::rng().random_range(0.0..=1.0))
    }

    /// Starts the series again; call it after a success.
    pub fn reset(&mut self) {
        self.ceiling = self.initial;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INITIAL: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(5);

    #[test]
    fn delays_stay_below_a_ceiling_that_doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(INITIAL, CAP);
        let mut ceiling = INITIAL;
        for _ in 0..20 {
            assert!(backoff.next_delay() <= ceiling);
            ceiling = (ceiling * 2).min(CAP);
        }
        assert_eq!(backoff.ceiling, CAP);
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let delays: Vec<Duration> = (0..2000).map(|_| Backoff::new(CAP, CAP).next_delay()).collect();
        assert!(delays.iter().any(|delay| *delay < CAP / 10));
        assert!(delays.iter().any(|delay| *delay > CAP * 9 / 10));
    }

    #[test]
    fn a_reset_starts_over() {
        let mut backoff = Backoff::new(INITIAL, CAP);
        for _ in 0..10 {
            backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay() <= INITIAL);
    }

    #[test]
    fn a_first_delay_above_the_cap_is_cut() {
        assert!(Backoff::new(CAP * 2, CAP).next_delay() <= CAP);
    }
}
