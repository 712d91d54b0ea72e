//! Asks the gateway. Every way in which that can fail becomes a failure that says what to do next.

pub(crate) mod lines;
mod problem;
mod reach;
pub(crate) mod stream;

use std::fmt::Display;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use self::reach::unreachable;
use crate::config::Config;
use crate::failure::{Exit, Failure};

const PREFIX: &str = "/api/v1";
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A client of one gateway.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    api_url: String,
    timeout: Duration,
}

/// An identifier as it stands in a path.
pub(crate) fn in_path(id: impl Display) -> String {
    utf8_percent_encode(&id.to_string(), IN_PATHS).to_string()
}

impl Client {
    /// A client that waits at most `timeout` for an answer.
    pub(crate) fn new(config: &Config, timeout: Duration) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.api_key {
            let mut value = HeaderValue::from_str(key)
                .map_err(|_| Failure::usage("the API key has characters that no key has"))?;
            value.set_sensitive(true);
            headers.insert("x-api-key", value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(timeout)
            .user_agent(concat!("dats/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::failed(format!("no HTTP client can be made: {error}")))?;
        Ok(Self { http, api_url: config.api_url.clone(), timeout })
    }

    /// `GET` of a path below the prefix.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let request = self.request(Method::GET, path).query(query).timeout(self.timeout);
        self.json(request).await
    }

    /// `POST` of JSON. Sent with an idempotency key, so that nothing is done twice on the way.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let key = uuid::Uuid::new_v4().to_string();
        let request = self.request(Method::POST, path).json(body).header("idempotency-key", key);
        self.json(request.timeout(self.timeout)).await
    }

    /// `PUT` of JSON.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.json(self.request(Method::PUT, path).json(body).timeout(self.timeout)).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.request(Method::DELETE, path).timeout(self.timeout)).await
    }

    /// A request that the caller shapes further. It has no time limit of its own.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{PREFIX}{path}", self.api_url))
    }

    /// Sends a request whose answer is read by the caller; anything but success is a failure.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| unreachable(&self.api_url, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        Err(problem::failure(status.as_u16(), &body))
    }

    /// The same for an answer in JSON; one without a body is null.
    async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|error| unreachable(&self.api_url, &error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| {
            Failure::new(Exit::Failed, format!("{} does not answer like a gateway", self.api_url))
                .hint("Is --api-url (or DATS_API_URL) right?")
        })
    }

    /// What a broken connection means.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> Failure {
        unreachable(&self.api_url, error)
    }
}
