//! The broker's management API, as far as tests need it.

use anyhow::Context;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::session::CONNECTION_NAME;
use crate::names;

/// A client of the management API.
pub(super) struct Management {
    http: Client,
    base: String,
    user: String,
    password: String,
}

impl Management {
    /// A client for the API at `url`, an `http://user:password@host:port` URL.
    pub(super) fn new(url: &str) -> Self {
        let url = reqwest::Url::parse(url).expect("RABBITMQ_MANAGEMENT_URL is a URL");
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self {
            http: Client::new(),
            user: decode(url.username()),
            password: decode(url.password().unwrap_or_default()),
            base: format!(
                "http://{}:{}/api",
                url.host_str().expect("a host"),
                url.port_or_known_default().expect("a port")
            ),
        }
    }

    /// GETs a path below `/api/`.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.call(Method::GET, path, None).await?.json().await?)
    }

    /// Makes a virtual host in which our user may do everything.
    pub(super) async fn create_vhost(&self, vhost: &str) -> anyhow::Result<()> {
        self.call(Method::PUT, &format!("vhosts/{vhost}"), Some(json!({}))).await?;
        let permissions = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        self.call(Method::PUT, &format!("permissions/{vhost}/{}", encode(&self.user)), Some(permissions))
            .await?;
        Ok(())
    }

    /// Deletes a virtual host with all that is in it.
    pub(super) async fn delete_vhost(&self, vhost: &str) -> anyhow::Result<()> {
        self.call(Method::DELETE, &format!("vhosts/{vhost}"), None).await?;
        Ok(())
    }

    /// Deletes what killed tests left behind. Another process may be doing the same: failures do not matter.
    pub(super) async fn sweep(&self) {
        let vhosts = self.get("vhosts?columns=name").await.unwrap_or_default();
        let names = vhosts.as_array().into_iter().flatten().filter_map(|vhost| vhost["name"].as_str());
        for name in names.filter(|name| names::is_stale(name)) {
            let _ = self.delete_vhost(name).await;
        }
    }

    /// The connections to a virtual host, but for those of this crate.
    pub(super) async fn connections(&self, vhost: &str) -> anyhow::Result<Vec<String>> {
        let connections = self.get(&format!("vhosts/{vhost}/connections")).await?;
        let is_ours = |connection: &&Value| {
            connection["client_properties"]["connection_name"] == CONNECTION_NAME
                || connection["user_provided_name"] == CONNECTION_NAME
        };
        Ok(connections
            .as_array()
            .into_iter()
            .flatten()
            .filter(|connection| !is_ours(connection))
            .filter_map(|connection| connection["name"].as_str().map(str::to_owned))
            .collect())
    }

    /// Closes a connection; one that is gone already is fine.
    pub(super) async fn close_connection(&self, name: &str) -> anyhow::Result<()> {
        let path = format!("connections/{}", encode(name));
        let response = self.send(Method::DELETE, &path, None).await?;
        if response.status() != reqwest::StatusCode::NOT_FOUND {
            response.error_for_status()?;
        }
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Response> {
        Ok(self.send(method, path, body).await?.error_for_status()?)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Response> {
        let request = self
            .http
            .request(method, format!("{}/{path}", self.base))
            .basic_auth(&self.user, Some(&self.password));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.context("ask the management API of RabbitMQ")
    }
}

fn encode(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}
