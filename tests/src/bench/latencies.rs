//! Latencies as they were measured, every one of them: percentiles are exact.

use std::time::Duration;

/// Measured times, in microseconds; longer ones than 71 minutes count as that.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// Adds all of another set.
    pub fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time in milliseconds that `share` (0 to 1) of them did not exceed; NaN when there is none.
    #[must_use]
    pub fn percentile(&mut self, share: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let rank = (share * self.0.len() as f64).ceil().max(1.0) as usize;
        let index = rank.min(self.0.len()) - 1;
        let (_, value, _) = self.0.select_nth_unstable(index);
        f64::from(*value) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut latencies = Latencies::default();
        for milliseconds in (1..=100).rev() {
            latencies.record(Duration::from_millis(milliseconds));
        }
        for (share, expected) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert_eq!(latencies.percentile(share), expected, "{share}");
        }
        assert!(Latencies::default().percentile(0.5).is_nan());
    }
}
