//! Sends one delivery over HTTP. Every address that a receiver's name resolves to is checked, and only checked ones
//! are connected to; redirects are not followed, since they would lead around the check.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode, header, redirect};

use super::addresses::is_public;
use super::deliveries::Delivery;
use super::settings::WebhookSettings;
use super::target;

/// Why a delivery was not taken, in words for the webhook's owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The receiver says that it is gone for good.
    Gone,
    /// Anything that may be better next time.
    Failed(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => formatter.write_str("the receiver answered 410 Gone"),
            Self::Failed(reason) => formatter.write_str(reason),
        }
    }
}

/// See the module. Clones share their connections.
#[derive(Clone)]
pub(super) struct Sender {
    client: Client,
    allow_private: bool,
}

impl Sender {
    /// # Errors
    /// If the HTTP client cannot be made.
    pub(super) fn new(settings: &WebhookSettings) -> Result<Self, reqwest::Error> {
        let allow_private = settings.allow_private_addresses;
        let client = Client::builder()
            .timeout(settings.timeout())
            .connect_timeout(settings.timeout())
            .redirect(redirect::Policy::none())
            // A proxy would resolve names itself, unchecked.
            .no_proxy()
            .dns_resolver(Arc::new(CheckedResolver { allow_private }))
            .user_agent(concat!("dats-orchestration/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, allow_private })
    }

    /// Sends it once; `timestamp` is in seconds since 1970.
    pub(super) async fn send(&self, delivery: &Delivery, timestamp: i64) -> Result<(), Refusal> {
        // Once more: what is allowed may have changed since the webhook was made.
        let url = target::parse(&delivery.url, self.allow_private)
            .map_err(|rule| Refusal::Failed(format!("the URL {rule}")))?;
        let id = delivery.id.to_string();
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-signature", delivery.secret.sign(&id, timestamp, &delivery.body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(delivery.body.clone());
        match request.send().await.map(|response| response.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(StatusCode::GONE) => Err(Refusal::Gone),
            Ok(status) => Err(Refusal::Failed(format!("the receiver answered {status}"))),
            Err(error) => Err(Refusal::Failed(in_words(&error))),
        }
    }
}

/// What the owner may know: enough to find the trouble, nothing about our own network.
fn in_words(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if current.is::<PrivateAddress>() {
            return format!("the URL {}", target::PRIVATE);
        }
        cause = current.source();
    }
    let words = if error.is_timeout() {
        "the receiver did not answer in time"
    } else if error.is_connect() {
        "the receiver could not be connected to"
    } else {
        "the connection to the receiver broke"
    };
    words.to_owned()
}

#[derive(Debug, thiserror::Error)]
#[error("an address is private")]
struct PrivateAddress;

/// Resolves names as the machine does, and hands on only what may be connected to.
struct CheckedResolver {
    allow_private: bool,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One bad address condemns the name: which one is connected to is nobody's choice.
            if !allow_private && found.iter().any(|address| !is_public(address.ip())) {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[tokio::test]
    async fn names_that_lead_to_private_addresses_are_not_resolved() {
        let name = || Name::from_str("localhost").unwrap();
        let refused = CheckedResolver { allow_private: false }.resolve(name()).await;
        assert!(refused.err().unwrap().is::<PrivateAddress>());
        let taken = CheckedResolver { allow_private: true }.resolve(name()).await;
        assert!(taken.ok().unwrap().all(|address| address.ip().is_loopback()));
    }
}
