//! Queues: nothing is left in them, and every dead letter is one that was meant to be.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::Value;
use test_support::Message;

use super::{Inquiry, NO_PROGRESS, POLL};
use crate::Stack;
use crate::faults::injector::TAP;

/// Where the broker keeps what nobody is bound for.
const UNROUTED: &str = "dats.unrouted";
/// The newest news for services that are not ours.
const NOTICES: &str = "dats.notices";

/// Whether messages may stay in a queue: what is looked at one by one, and our own copies.
fn may_hold(name: &str) -> bool {
    name.ends_with(".dead") || [UNROUTED, NOTICES, "dlx_queue", TAP].contains(&name)
}

impl Inquiry<'_> {
    /// The broker's statistics come late: an empty queue may seem full for some seconds.
    pub(super) async fn queues_become_empty(&mut self, stack: &Stack) {
        let started = Instant::now();
        loop {
            let full: Vec<String> = queues(stack)
                .await
                .iter()
                .filter(|(name, messages)| *messages != 0 && !may_hold(name))
                .map(|(name, messages)| format!("{messages} messages are left in {name}"))
                .collect();
            if full.is_empty() {
                return;
            }
            if started.elapsed() > NO_PROGRESS {
                self.violations.extend(full);
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Every event has a queue that is bound for it, at any time.
    pub(super) async fn nothing_is_unrouted(&mut self, stack: &Stack) {
        let mut keys: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(message) = stack.outsider().0.get_message(UNROUTED).await {
            *keys.entry(message.routing_key).or_default() += 1;
        }
        for (key, count) in keys {
            self.wrong(format!("nobody was bound for {count} events {key}"));
        }
    }

    /// A dead letter is explained if it is one of the events that nobody can read, or asks an agent for an attempt whose
    /// time was over before the agents' broker came back; the gateway makes another attempt then.
    pub(super) async fn dead_letters_are_explained(&mut self, stack: &Stack) {
        let broker = stack.outsider().0;
        for (queue, _) in queues(stack)
            .await
            .into_iter()
            .filter(|(name, _)| ![TAP, UNROUTED, NOTICES].contains(&name.as_str()) && may_hold(name))
        {
            while let Some(message) = broker.get_message(&queue).await {
                if !self.evidence.broken.contains(&message.body) && !is_late_for_agents(&message) {
                    let reason = message.header("x-dats-reason").unwrap_or("no reason").to_owned();
                    let body = String::from_utf8_lossy(&message.body).into_owned();
                    self.wrong(format!("a dead letter in {queue} ({reason}): {body}"));
                }
            }
        }
    }
}

fn is_late_for_agents(message: &Message) -> bool {
    let event: Value = serde_json::from_slice(&message.body).unwrap_or_default();
    let data = &event["data"];
    let deadline = data["deadline_at"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    message.header("x-dats-reason") == Some("the agents' broker is away")
        && data["work_type"].is_string()
        && deadline.is_some_and(|deadline| deadline < Utc::now())
}

/// Names of all queues and what the broker last knew of their messages, taken or not.
async fn queues(stack: &Stack) -> Vec<(String, i64)> {
    let broker = stack.outsider().0;
    let listed = broker.management(&format!("queues/{}?columns=name,messages", broker.vhost())).await;
    let name = |queue: &Value| queue["name"].as_str().unwrap_or_default().to_owned();
    let queues = listed.as_array().into_iter().flatten();
    queues.map(|queue| (name(queue), queue["messages"].as_i64().unwrap_or(-1))).collect()
}
