//! Calls to HTTP services that are not ours: a time limit, few retries, a bound on what is read, and a circuit
//! breaker, so that a service that is slow or gone costs a task little and the next tasks nothing.

pub mod breaker;
mod error;

pub use error::OutboundError;

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_runtime::backoff::Backoff;
use service_runtime::clock::Clock;
use service_runtime::telemetry;
use thiserror::Error;
use tracing::debug;

use breaker::{BreakerSettings, CircuitBreaker};

/// How one service is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundSettings {
    /// Milliseconds that one request may take, connecting and reading included.
    pub timeout_ms: u64,
    /// Milliseconds that connecting may take.
    pub connect_timeout_ms: u64,
    /// Requests made for one question; more than one only where the service could not be reached or failed.
    pub attempts: u32,
    /// Milliseconds before the second attempt; doubles from there, with jitter.
    pub retry_delay_ms: u64,
    /// Bytes that an answer may have.
    pub max_answer_bytes: usize,
    /// Failed questions in a row after which the service is left alone.
    pub breaker_failures: u32,
    /// Seconds for which it is left alone before one question tries it again.
    pub breaker_rest_seconds: u64,
}

/// An address that no service can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an http:// or https:// URL")]
pub struct InvalidAddress;

/// Takes the address of a service as users write it, with or without a slash at its end.
///
/// # Errors
/// If it is none.
pub fn read_address(text: &str) -> Result<String, InvalidAddress> {
    let text = text.trim().trim_end_matches('/');
    let address = reqwest::Url::parse(text).map_err(|_| InvalidAddress)?;
    let usable = matches!(address.scheme(), "http" | "https") && address.query().is_none();
    if usable { Ok(text.to_owned()) } else { Err(InvalidAddress) }
}

impl OutboundSettings {
    /// The first limit that is zero and so would keep every call from being made.
    #[must_use]
    pub fn first_zero(&self) -> Option<&'static str> {
        let limits = [
            ("timeout_ms", self.timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("attempts", u64::from(self.attempts)),
            ("max_answer_bytes", self.max_answer_bytes as u64),
            ("breaker_failures", u64::from(self.breaker_failures)),
        ];
        limits.into_iter().find(|&(_, value)| value == 0).map(|(name, _)| name)
    }
}

/// One outside service.
pub struct Outbound {
    address: String,
    client: reqwest::Client,
    settings: OutboundSettings,
    breaker: CircuitBreaker,
}

impl Outbound {
    /// A client for the service at `address`, to which paths are appended. No connection is made yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(
        name: &'static str,
        address: String,
        settings: OutboundSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(settings.timeout_ms))
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .redirect(redirect::Policy::none())
            // These services stand beside ours; a proxy that the machine uses for the outside is not on the way.
            .no_proxy()
            .build()?;
        let breaker_settings = BreakerSettings {
            failures: settings.breaker_failures,
            rest: Duration::from_secs(settings.breaker_rest_seconds),
        };
        let breaker = CircuitBreaker::new(name, breaker_settings, clock);
        Ok(Self { address, client, settings, breaker })
    }

    /// Its breaker, for those who watch it.
    #[must_use]
    pub fn breaker(&self) -> CircuitBreaker {
        self.breaker.clone()
    }

    /// Posts `question` to `path` and reads the JSON answer.
    ///
    /// # Errors
    /// Why there is no answer. Nothing is asked while the breaker rests.
    pub async fn post<Q: Serialize + Sync>(&self, path: &str, question: &Q) -> Result<Value, OutboundError> {
        let permit = self.breaker.pass().ok_or(OutboundError::Resting)?;
        let answer = self.post_with_retries(path, question).await;
        match &answer {
            Err(error) if error.speaks_against_the_service() => permit.failed(),
            Ok(_) | Err(_) => permit.succeeded(),
        }
        answer
    }

    async fn post_with_retries<Q: Serialize + Sync>(
        &self,
        path: &str,
        question: &Q,
    ) -> Result<Value, OutboundError> {
        let first_delay = Duration::from_millis(self.settings.retry_delay_ms);
        let mut backoff = Backoff::new(first_delay, first_delay.saturating_mul(8));
        for _ in 1..self.settings.attempts {
            match self.post_once(path, question).await {
                Err(error) if error.may_pass() => {
                    debug!(path, error = %error, "A call to an outside service is repeated");
                    tokio::time::sleep(backoff.next_delay()).await;
                }
                settled => return settled,
            }
        }
        self.post_once(path, question).await
    }

    async fn post_once<Q: Serialize + Sync>(&self, path: &str, question: &Q) -> Result<Value, OutboundError> {
        let mut request = self.client.post(format!("{}/{path}", self.address)).json(question);
        if let Some(traceparent) = telemetry::current_traceparent() {
            request = request.header("traceparent", traceparent);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_server_error() {
            return Err(OutboundError::Failed(status.as_u16()));
        }
        if !status.is_success() {
            return Err(OutboundError::Refused(status.as_u16()));
        }
        let body = read_bounded(response, self.settings.max_answer_bytes).await?;
        serde_json::from_slice(&body).map_err(|_| OutboundError::Unreadable)
    }
}

async fn read_bounded(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(OutboundError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
