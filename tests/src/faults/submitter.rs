//! How a careful client insists on an answer: the same request under the same idempotency key, at whichever gateway,
//! until there is one.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{Client, Role, Stack};

const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A client of both gateways.
pub(super) struct Submitter {
    gateways: [Client; 2],
    /// Decides what it does.
    pub(super) random: StdRng,
}

impl Submitter {
    pub(super) fn new(stack: &Stack, seed: u64) -> Self {
        let gateways = [stack.client_of(Role::Gateway), stack.client_of(Role::SecondGateway)];
        Self { gateways, random: StdRng::seed_from_u64(seed) }
    }

    /// It may have ended already, which is an answer as well.
    pub(super) async fn cancel(&mut self, task_id: &str) {
        let path = format!("/api/v1/tasks/{task_id}/cancel");
        let key = self.key();
        loop {
            let (client, request) = self.request(&path, &json!({}), &key);
            let answer = client.try_send(request).await.map(|answer| answer.status);
            if matches!(answer, Some(200 | 409)) {
                return;
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Sends it until it is answered as expected, always under the same key and with the same body. `not_yet` are
    /// statuses that mean the same as no answer, beside those that always do.
    pub(super) async fn insist(&mut self, path: &str, expected: u16, body: &Value, not_yet: &[u16]) -> Value {
        let key = self.key();
        loop {
            let (client, request) = self.request(path, body, &key);
            match client.try_send(request).await {
                Some(answer) if answer.status == expected => return answer.json,
                None => {}
                // Not now; or the first one is still under way.
                Some(answer) if matches!(answer.status, 409 | 503 | 504) => {}
                Some(answer) if not_yet.contains(&answer.status) => {}
                Some(answer) => panic!("{path}: {} {}", answer.status, answer.text),
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// What is there, if somebody answers.
    pub(super) async fn look(&mut self, path: &str) -> Option<Value> {
        let client = self.gateway();
        let answer = client.try_send(client.request(Method::GET, path)).await?;
        (answer.status == 200).then_some(answer.json)
    }

    fn request(&mut self, path: &str, body: &Value, key: &str) -> (Client, reqwest::RequestBuilder) {
        let client = self.gateway();
        let request = client.request(Method::POST, path).json(body).header("Idempotency-Key", key);
        (client, request)
    }

    fn gateway(&mut self) -> Client {
        self.gateways[self.random.random_range(0..self.gateways.len())].clone()
    }

    fn key(&mut self) -> String {
        Uuid::from_u128(self.random.random()).to_string()
    }
}
