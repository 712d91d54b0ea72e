//! Setting a message aside: into the delay queue whose turn it is, or to the dead letters. The copy is confirmed by
//! the broker before the original is acknowledged, so a crash between the two doubles the message and loses nothing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use metrics::{Counter, counter};
use protocol::WireMessage;
use protocol::topology::retry_queue;
use tracing::warn;

use super::ConsumerSettings;
use crate::delivery::{Delivery, header};
use crate::message::{Headers, Outgoing, Properties, WRITTEN_BY_THE_BROKER};
use crate::publisher::{PublishError, Publisher};

/// Longest reason kept. Headers must fit into one frame.
const LONGEST_REASON: usize = 1_000;

/// Where a message goes that was not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Retry(Duration),
    Dead,
}

/// Publishes copies of messages of one queue.
pub(super) struct SetAside {
    publisher: Publisher,
    queue: String,
    delays: Vec<Duration>,
    dead_letter_exchange: String,
    retried: Counter,
    dead_lettered: Counter,
}

impl SetAside {
    pub(super) fn new(publisher: Publisher, settings: &ConsumerSettings) -> Self {
        let meter = |name| counter!(name, "queue" => settings.queue.clone());
        Self {
            publisher,
            queue: settings.queue.clone(),
            delays: settings.retry_delays.clone(),
            dead_letter_exchange: settings.dead_letter_exchange.clone(),
            retried: meter(crate::metrics::RETRIED),
            dead_lettered: meter(crate::metrics::DEAD_LETTERED),
        }
    }

    /// Puts a message back for later, or gives it up when it has had its tries or its time.
    pub(super) async fn retry(
        &self,
        delivery: &Delivery,
        reason: &str,
        within: Option<Duration>,
    ) -> Result<(), PublishError> {
        let now = Utc::now();
        let failing_for = delivery
            .first_failed_at
            .map_or(Duration::ZERO, |first| now.signed_duration_since(first).to_std().unwrap_or_default());
        match next(&self.delays, delivery.failures, failing_for, within) {
            Next::Retry(delay) => {
                let retry = self.copy(delivery, reason, now, "", retry_queue(&self.queue, delay));
                self.publisher.publish(retry).await?;
                self.retried.increment(1);
                warn!(
                    queue = self.queue,
                    message.id = delivery.label(),
                    failures = delivery.failures + 1,
                    delay_ms = delay.as_millis(),
                    "message will be tried again: {reason}"
                );
                Ok(())
            }
            Next::Dead => self.bury(delivery, reason).await,
        }
    }

    /// Gives a message up.
    pub(super) async fn bury(&self, delivery: &Delivery, reason: &str) -> Result<(), PublishError> {
        let dead = self.copy(delivery, reason, Utc::now(), &self.dead_letter_exchange, self.queue.clone());
        self.publisher.publish(dead).await?;
        self.dead_lettered.increment(1);
        warn!(
            queue = self.queue,
            message.id = delivery.label(),
            routing_key = delivery.routing_key,
            failures = delivery.failures + 1,
            "message given up and moved to the dead letters: {reason}"
        );
        Ok(())
    }

    /// The same message for another address, so that it reads the same when it comes back. An expiration is left
    /// out: a message that waits for its turn must not die of it. So is a user id, which the broker would compare
    /// with ours.
    fn copy(
        &self,
        delivery: &Delivery,
        reason: &str,
        now: DateTime<Utc>,
        exchange: &str,
        routing_key: String,
    ) -> Outgoing {
        let original = &delivery.original;
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        Outgoing {
            message: WireMessage {
                exchange: exchange.to_owned(),
                routing_key,
                message_id: text(original.message_id()),
                event_type: text(original.message_type()),
                content_type: text(original.content_type()),
                correlation_id: original.correlation_id().cloned(),
                traceparent: delivery.traceparent.clone(),
                timestamp: original.timestamp().unwrap_or_default(),
                body: delivery.body.clone(),
            },
            properties: Properties {
                priority: original.priority(),
                reply_to: original.reply_to().cloned(),
                content_encoding: original.content_encoding().cloned(),
                headers: headers(delivery, reason, now),
                ..Properties::default()
            },
        }
    }
}

fn headers(delivery: &Delivery, reason: &str, now: DateTime<Utc>) -> Headers {
    let mut headers = Headers::from_table(delivery.original.headers());
    for name in WRITTEN_BY_THE_BROKER {
        headers.remove(name);
    }
    let first_failed_at = delivery.first_failed_at.unwrap_or(now);
    headers.set_number(header::FAILURES, i64::from(delivery.failures) + 1);
    headers.set_text(header::FIRST_FAILED_AT, &first_failed_at.to_rfc3339_opts(SecondsFormat::Millis, true));
    headers.set_text(header::REASON, shortened(reason));
    headers.set_text(header::ORIGINAL_EXCHANGE, &delivery.exchange);
    headers.set_text(header::ORIGINAL_ROUTING_KEY, &delivery.routing_key);
    headers
}

fn shortened(reason: &str) -> &str {
    let end = (0..=LONGEST_REASON.min(reason.len())).rev().find(|&end| reason.is_char_boundary(end));
    end.and_then(|end| reason.get(..end)).unwrap_or_default()
}

/// Without a time limit the delays are walked through once. With one, the walk goes on at its last step and shortens
/// its steps towards the end, so that the last try comes just before the limit.
fn next(delays: &[Duration], failures: u32, failing_for: Duration, within: Option<Duration>) -> Next {
    let turn = usize::try_from(failures).unwrap_or(usize::MAX);
    let Some(within) = within else {
        return delays.get(turn).map_or(Next::Dead, |&delay| Next::Retry(delay));
    };
    let left = within.saturating_sub(failing_for);
    let reached = delays.iter().take(turn.saturating_add(1));
    reached.rev().find(|&&delay| delay <= left).map_or(Next::Dead, |&delay| Next::Retry(delay))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    const LADDER: [Duration; 4] = [seconds(1), seconds(5), seconds(30), seconds(120)];

    #[test]
    fn without_a_limit_each_delay_is_used_once() {
        let steps: Vec<_> = (0..6).map(|failures| next(&LADDER, failures, seconds(999), None)).collect();
        let retry = Next::Retry;
        assert_eq!(
            steps,
            [retry(LADDER[0]), retry(LADDER[1]), retry(LADDER[2]), retry(LADDER[3]), Next::Dead, Next::Dead]
        );
    }

    #[test]
    fn with_a_limit_the_tries_fill_the_time_and_end_with_it() {
        let (mut now, mut failures, mut delays) = (Duration::ZERO, 0, Vec::new());
        while let Next::Retry(delay) = next(&LADDER, failures, now, Some(seconds(60))) {
            now += delay;
            failures += 1;
            delays.push(delay.as_secs());
        }
        assert_eq!(delays, [1, 5, 30, 5, 5, 5, 5, 1, 1, 1, 1]);
        assert_eq!(now, seconds(60));
    }

    #[test]
    fn a_consumer_without_delays_gives_up_at_once() {
        assert_eq!(next(&[], 0, Duration::ZERO, None), Next::Dead);
        assert_eq!(next(&[], 0, Duration::ZERO, Some(seconds(60))), Next::Dead);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = "ä".repeat(LONGEST_REASON);
        assert_eq!(shortened(&reason).chars().count(), LONGEST_REASON / 2);
        assert_eq!(shortened("short"), "short");
    }
}
