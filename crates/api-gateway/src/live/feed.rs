//! Publishes committed changes for whoever watches. Best effort on purpose: it never holds up the work, and what
//! it drops is found in the database. Changes that come together travel together, addressed to all their traces,
//! so that a busy gateway pays for one message where it made many changes.

use std::collections::BTreeSet;

use messaging::{Headers, Outgoing, Properties, Publisher};
use metrics::counter;
use protocol::{TraceId, WireMessage};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::EXCHANGE;
use super::update::TaskUpdate;
use crate::metrics::LIVE_DROPPED;

/// Updates that wait to be published; beyond them the newest are dropped.
const CAPACITY: usize = 8192;
/// Updates that are published together, pipelined.
const MOST_TOGETHER: usize = 1024;
/// Updates in one message.
const MOST_IN_MESSAGE: usize = 64;
/// A message with so many bytes gets no further update.
const FULL_MESSAGE_BYTES: usize = 128 * 1024;
/// Header with further routing keys, which the broker takes out.
const MORE_KEYS: &str = "BCC";

/// Takes committed changes. Cheap to clone; the default publishes nothing.
#[derive(Debug, Clone, Default)]
pub struct LiveFeed {
    queue: Option<mpsc::Sender<TaskUpdate>>,
}

impl LiveFeed {
    /// A feed, and the task that publishes what it takes until `stop`.
    pub fn new(publisher: Publisher, stop: CancellationToken) -> (Self, impl Future<Output = ()>) {
        let (queue, updates) = mpsc::channel(CAPACITY);
        (Self { queue: Some(queue) }, run(publisher, updates, stop))
    }

    /// Publishes changes sometime soon, or not at all.
    pub(crate) fn tell(&self, updates: Vec<TaskUpdate>) {
        let Some(queue) = &self.queue else { return };
        let dropped = updates.into_iter().filter_map(|update| queue.try_send(update).err()).count();
        if dropped > 0 {
            counter!(LIVE_DROPPED).increment(dropped as u64);
        }
    }
}

async fn run(publisher: Publisher, mut updates: mpsc::Receiver<TaskUpdate>, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            taken = updates.recv_many(&mut batch, MOST_TOGETHER) => if taken == 0 {
                return;
            },
            () = stop.cancelled() => return,
        }
        let outcomes = publisher.publish_all(messages(&batch)).await;
        if let Some(error) = outcomes.into_iter().find_map(Result::err) {
            debug!(%error, "live updates were not published");
        }
        batch.clear();
    }
}

/// The updates, in their order, in as few messages as sensible.
fn messages(updates: &[TaskUpdate]) -> Vec<Outgoing> {
    let (mut messages, mut body, mut traces) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut count = 0;
    for update in updates {
        if let Err(error) = update.write_line(&mut body) {
            debug!(%error, "a live update could not be written");
            continue;
        }
        traces.insert(update.trace_id);
        count += 1;
        if count == MOST_IN_MESSAGE || body.len() >= FULL_MESSAGE_BYTES {
            messages.extend(message(std::mem::take(&mut traces), std::mem::take(&mut body)));
            count = 0;
        }
    }
    messages.extend(message(traces, body));
    messages
}

fn message(traces: BTreeSet<TraceId>, body: Vec<u8>) -> Option<Outgoing> {
    let mut keys: Vec<String> = traces.iter().map(ToString::to_string).collect();
    let routing_key = keys.pop()?;
    let mut headers = Headers::default();
    if !keys.is_empty() {
        headers.set_texts(MORE_KEYS, keys.iter().map(String::as_str));
    }
    let message = WireMessage {
        exchange: EXCHANGE.name.to_owned(),
        routing_key,
        message_id: String::new(),
        event_type: String::new(),
        content_type: "application/x-ndjson".to_owned(),
        correlation_id: None,
        traceparent: None,
        timestamp: 0,
        body,
    };
    let properties = Properties { transient: true, optional: true, headers, ..Properties::default() };
    Some(Outgoing { message, properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::tests::update;
    use crate::live::update::read_lines;
    use uuid::Uuid;

    #[test]
    fn updates_share_messages_in_their_order_and_each_message_names_its_traces() {
        let updates: Vec<TaskUpdate> = (0..150)
            .map(|number| TaskUpdate {
                trace_id: TraceId(Uuid::from_u128(number % 3)),
                ..update(u64::try_from(number).unwrap() + 1, None)
            })
            .collect();
        let messages = messages(&updates);
        assert_eq!(messages.len(), 3);
        let read: Vec<TaskUpdate> =
            messages.iter().flat_map(|message| read_lines(&message.message.body, |_| true)).collect();
        assert_eq!(read, updates);
        assert!(messages.iter().all(|message| message.properties.optional && message.properties.transient));
        assert_eq!(messages[0].message.routing_key, Uuid::from_u128(2).to_string());
    }

    #[test]
    fn long_updates_do_not_share_a_message() {
        let mut long = update(1, None);
        long.progress.message = Some("x".repeat(FULL_MESSAGE_BYTES));
        assert_eq!(messages(&[long.clone(), long]).len(), 2);
    }
}
