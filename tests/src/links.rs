//! A process's own ways to the broker and to its database, each of which can fail by itself.

use test_support::Proxy;

/// The proxies of one process.
#[derive(Debug)]
pub struct Links {
    /// Before the broker.
    pub broker: Proxy,
    /// Before its database, if it has one.
    pub database: Option<Proxy>,
}

impl Links {
    /// Proxies for the servers that the URLs name.
    pub async fn new(broker_url: &str, database_url: Option<&str>) -> Self {
        let database = match database_url {
            Some(url) => Some(Proxy::in_front_of(url).await),
            None => None,
        };
        Self { broker: Proxy::in_front_of(broker_url).await, database }
    }

    /// The URLs as they lead through the proxies.
    #[must_use]
    pub fn urls(&self, broker_url: &str, database_url: Option<&str>) -> (String, Option<String>) {
        let database = database_url
            .map(|url| self.database.as_ref().map_or_else(|| url.to_owned(), |proxy| proxy.url(url)));
        (self.broker.url(broker_url), database)
    }
}
