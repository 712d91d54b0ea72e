//! Which message do sessions die of? The broker says nothing but goodbye, so what was in flight is published again one
//! at a time, until the one that sessions die of is alone. It is given up, and holds nobody up any longer.

use std::time::Duration;

/// A session that dies younger than this may have died of a message.
const YOUNG: Duration = Duration::from_secs(10);
/// After so many sessions that died with one message alone in flight, it was that message. A wrong verdict does
/// little harm, since its caller tries again.
const ENOUGH_DEATHS: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// How many messages to publish one at a time.
    suspects: usize,
    /// Sessions in a row that died with one message alone in flight.
    deaths: u32,
    /// The broker has closed a channel, for which nothing but a message can be the reason.
    certain: bool,
}

impl Suspicion {
    /// Whether to publish one at a time.
    pub(super) fn is_open(&self) -> bool {
        self.suspects > 0
    }

    /// The broker has answered for a message.
    pub(super) fn cleared(&mut self) {
        self.suspects = self.suspects.saturating_sub(1);
        self.deaths = 0;
    }

    /// This session dies of one of its messages.
    pub(super) fn is_certain(&mut self) {
        self.certain = true;
    }

    /// A session has died; returns whether the one message in flight is to blame.
    pub(super) fn falls_on_one(&mut self, in_flight: usize, lived: Duration) -> bool {
        let certain = std::mem::take(&mut self.certain);
        let alone = in_flight == 1;
        if alone {
            self.deaths = self.deaths.saturating_add(1);
        }
        if alone && (certain || self.deaths >= ENOUGH_DEATHS) {
            *self = Self::default();
            return true;
        }
        if certain || lived < YOUNG {
            self.suspects = self.suspects.max(in_flight);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    #[test]
    fn a_closed_channel_convicts_the_only_one_in_flight() {
        let mut suspicion = Suspicion::default();
        suspicion.is_certain();
        assert!(!suspicion.falls_on_one(3, YOUNG));
        assert!(suspicion.is_open());
        suspicion.is_certain();
        assert!(suspicion.falls_on_one(1, SHORT));
        assert!(!suspicion.is_open());
    }

    #[test]
    fn a_lost_connection_convicts_only_after_several_deaths_in_a_row() {
        let mut suspicion = Suspicion::default();
        let verdicts: Vec<bool> = (0..5).map(|_| suspicion.falls_on_one(1, SHORT)).collect();
        assert_eq!(verdicts, [false, false, false, false, true]);
        for _ in 0..20 {
            assert!(!suspicion.falls_on_one(1, SHORT), "each death is followed by a confirm");
            suspicion.cleared();
        }
    }

    #[test]
    fn a_session_that_lived_long_casts_no_suspicion() {
        let mut suspicion = Suspicion::default();
        assert!(!suspicion.falls_on_one(500, YOUNG));
        assert!(!suspicion.is_open());
    }
}
