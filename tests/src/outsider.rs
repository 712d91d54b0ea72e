//! A stranger on the broker: publishes what it likes and looks into queues. It shares no code with the product.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_support::{Message, TestBroker, wait_for};
use uuid::Uuid;

use crate::client::TASK_TIME;

/// Somebody with access to a stack's virtual host and nothing else.
#[derive(Clone, Copy)]
pub struct Outsider<'b>(pub &'b TestBroker);

impl Outsider<'_> {
    /// Publishes bytes without any property that would tell what they are.
    pub async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        self.0.publish(Message::new(exchange, key, body)).await;
    }

    /// Publishes data without an envelope, as simple workers do; the message id is new.
    pub async fn tell(&self, exchange: &str, key: &str, data: &Value) {
        self.tell_as(&Uuid::new_v4().to_string(), exchange, key, data).await;
    }

    /// The same with a message id of the caller's choice.
    pub async fn tell_as(&self, id: &str, exchange: &str, key: &str, data: &Value) {
        let message = Message { message_id: Some(id.to_owned()), ..Message::json(exchange, key, data) };
        self.0.publish(message).await;
    }

    /// Messages that are ready in a queue.
    ///
    /// # Panics
    /// When there is no such queue.
    pub async fn depth(&self, queue: &str) -> u32 {
        self.0.queue_depth(queue).await.unwrap_or_else(|| panic!("there is no queue {queue}"))
    }

    /// What a queue is bound to: exchange and routing key of each binding.
    pub async fn bindings(&self, queue: &str) -> BTreeSet<(String, String)> {
        let listed = self.0.management(&format!("bindings/{}", self.0.vhost())).await;
        let of_queue =
            listed.as_array().into_iter().flatten().filter(|binding| binding["destination"] == queue);
        let word = |binding: &Value, member: &str| binding[member].as_str().unwrap_or_default().to_owned();
        of_queue
            .map(|binding| (word(binding, "source"), word(binding, "routing_key")))
            // Every queue is bound to the default exchange.
            .filter(|(exchange, _)| !exchange.is_empty())
            .collect()
    }

    /// Waits until that many messages are ready in a queue, and not one more.
    pub async fn depth_becomes(&self, queue: &str, expected: u32) {
        let what = format!("{expected} messages in {queue}");
        wait_for(&what, TASK_TIME, || async { (self.depth(queue).await >= expected).then_some(()) }).await;
        assert_eq!(self.depth(queue).await, expected, "{queue}");
    }

    /// Takes the next work off a worker queue and says that it begins; the data of `task.ready`.
    pub async fn begin_work(&self, queue: &str, worker: &str) -> Value {
        let message = wait_for(&format!("work in {queue}"), TASK_TIME, || self.0.get_message(queue)).await;
        let ready = message.body_json()["data"].clone();
        let started = json!({
            "task_id": ready["task_id"], "attempt": ready["attempt"], "worker_id": worker,
        });
        self.tell("task.events", "task.started", &started).await;
        ready
    }
}
