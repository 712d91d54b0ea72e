//! Events that come again, in other orders, or that nobody can read.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use test_support::Message;

use crate::Stack;

/// The queue with copies of events, which only we read.
pub const TAP: &str = "faults.tap";

/// Keys of events that several queues take.
const BROKEN_KEYS: [&str; 3] = ["task.output.created", "task.validated", "task.started"];
/// Every queue that services of ours read.
const QUEUES: [&str; 4] = ["orchestration-events", "routing-events", "provenance-events", "reply_queue"];

pub(super) async fn repeat(stack: &Stack, count: usize) {
    let broker = stack.outsider().0;
    for _ in 0..count {
        let Some(message) = broker.get_message(TAP).await else { return };
        broker.publish(message).await;
    }
}

/// Takes copies off the tap and publishes each twice, in another order, long after the first.
pub(super) async fn shuffle(stack: &Stack, count: usize) {
    let broker = stack.outsider().0;
    let mut messages = Vec::new();
    for _ in 0..count {
        let Some(message) = broker.get_message(TAP).await else { break };
        messages.push(message);
    }
    // What we publish ourselves would come back to the tap and be sent again for ever.
    let mut seen = HashSet::new();
    messages.retain(|message| seen.insert(message.message_id.clone()));
    messages.extend(messages.clone());
    messages.shuffle(&mut StdRng::seed_from_u64(count as u64));
    for message in messages {
        broker.publish(message).await;
    }
}

pub(super) async fn send_broken(stack: &Stack, count: usize, broken: &mut Vec<Vec<u8>>) {
    for number in 0..count {
        let key = BROKEN_KEYS[number % BROKEN_KEYS.len()];
        let body = format!("{{\"task_id\": \"broken {}\"", broken.len()).into_bytes();
        broken.push(body.clone());
        stack.outsider().0.publish(Message::new("task.events", key, body)).await;
    }
}

/// Puts one of each kind straight into every queue.
pub(super) async fn send_garbage(stack: &Stack, broken: &mut Vec<Vec<u8>>) {
    for queue in QUEUES {
        for body in garbage(broken.len()) {
            broken.push(body.clone());
            stack.outsider().0.publish(Message::new("", queue, body)).await;
        }
    }
}

/// Bodies that are no events, each told from every other by its number.
fn garbage(number: usize) -> Vec<Vec<u8>> {
    let cut = format!("{{\"specversion\": \"1.0\", \"id\": \"{number}\", \"type\": \"task.star");
    let nothing_known =
        format!("{{\"specversion\": \"1.0\", \"id\": \"{number}\", \"type\": \"task.eaten\"}}");
    let mut not_text = vec![0xff, 0xfe, 0x00, 0x80];
    not_text.extend(number.to_be_bytes());
    let deep = format!("{}{number}{}", "[".repeat(300), "]".repeat(300));
    let numbers = format!("[{number}, null, true]");
    let large = format!("\"{number}{}", "x".repeat(100_000));
    [cut, nothing_known, deep, numbers, large].into_iter().map(String::into_bytes).chain([not_text]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_of_another_number_is_other_garbage() {
        let (one, two) = (garbage(1), garbage(2));
        assert!(one.iter().all(|body| !two.contains(body)));
    }
}
