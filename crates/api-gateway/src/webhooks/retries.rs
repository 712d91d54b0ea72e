//! When a delivery that failed is tried again.

use std::time::Duration;

use chrono::TimeDelta;
use rand::Rng;

use super::WebhookSettings;

/// Share by which a wait may be shorter or longer, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// The wait after the `attempts`-th attempt, with jitter.
pub(super) fn wait_after(attempts: u32, settings: &WebhookSettings) -> TimeDelta {
    let jitter = rand::rng().random_range(1.0 - JITTER..=1.0 + JITTER);
    let wait = middle(attempts, settings).mul_f64(jitter);
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}

/// The same without jitter: `initial * factor^(attempts - 1)`, at most the cap.
fn middle(attempts: u32, settings: &WebhookSettings) -> Duration {
    let cap = Duration::from_millis(settings.retry_cap_ms);
    let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
    let factor = settings.retry_factor.powi(exponent);
    let initial = Duration::from_millis(settings.retry_initial_ms);
    Duration::try_from_secs_f64(initial.as_secs_f64() * factor).unwrap_or(cap).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::settings_of_tests;

    #[test]
    fn waits_grow_up_to_the_cap() {
        let settings = settings_of_tests();
        let seconds: Vec<u64> = [1, 2, 3, 7, 50, u32::MAX].map(|n| middle(n, &settings).as_secs()).to_vec();
        assert_eq!(seconds, [5, 20, 80, 7200, 7200, 7200]);
    }

    #[test]
    fn a_wait_strays_by_a_fifth_at_most() {
        let settings = settings_of_tests();
        for _ in 0..100 {
            let wait = wait_after(1, &settings);
            assert!(wait >= TimeDelta::seconds(4) && wait <= TimeDelta::seconds(6), "{wait}");
        }
    }
}
