//! A bucket of tokens per caller: each request takes one, and they come back at a steady rate. Each replica counts
//! for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::RateLimitSettings;

/// Buckets kept at most; full ones are forgotten when there are more.
const MOST_BUCKETS: usize = 10_000;

/// See the module.
pub(crate) struct RateLimiter {
    rate: Option<f64>,
    burst: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    /// With every bucket full.
    pub(crate) fn new(settings: &RateLimitSettings) -> Self {
        Self {
            rate: settings.requests_per_second,
            burst: f64::from(settings.burst.max(1)),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token of that caller.
    ///
    /// # Errors
    /// How long until there is one.
    pub(crate) fn take(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        // A count that was left half changed is still a count.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| self.refilled(*bucket, rate, now) < self.burst);
            if buckets.len() >= MOST_BUCKETS {
                return Err(Duration::from_secs(1));
            }
        }
        let full = Bucket { tokens: self.burst, at: now };
        let bucket = buckets.entry(caller.to_owned()).or_insert(full);
        let tokens = self.refilled(*bucket, rate, now);
        if tokens < 1.0 {
            *bucket = Bucket { tokens, at: now };
            return Err(Duration::from_secs_f64((1.0 - tokens) / rate));
        }
        *bucket = Bucket { tokens: tokens - 1.0, at: now };
        Ok(())
    }

    fn refilled(&self, bucket: Bucket, rate: f64, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + passed * rate).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests_per_second: Option<f64>, burst: u32) -> RateLimiter {
        RateLimiter::new(&RateLimitSettings { requests_per_second, burst })
    }

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let limiter = limiter(Some(2.0), 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.take("a", start), Ok(()));
        }
        let wait = limiter.take("a", start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert_eq!(limiter.take("b", start), Ok(()), "each caller has a bucket");
        assert_eq!(limiter.take("a", start + wait), Ok(()));
        assert!(limiter.take("a", start + wait).is_err());
        for _ in 0..3 {
            assert_eq!(limiter.take("a", start + Duration::from_secs(60)), Ok(()));
        }
        assert!(
            limiter.take("a", start + Duration::from_secs(60)).is_err(),
            "no more than the burst is saved"
        );
    }

    #[test]
    fn buckets_are_bounded_and_full_ones_make_room() {
        let limiter = limiter(Some(1.0), 1);
        let start = Instant::now();
        for caller in 0..MOST_BUCKETS {
            assert_eq!(limiter.take(&caller.to_string(), start), Ok(()));
        }
        assert!(limiter.take("newcomer", start).is_err());
        assert_eq!(limiter.take("newcomer", start + Duration::from_secs(1)), Ok(()));
        assert_eq!(limiter.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limiter = limiter(None, 1);
        assert!((0..100).all(|_| limiter.take("a", Instant::now()).is_ok()));
    }
}
