//! Where the broker is and how to reach it: a URL, or its parts. Section `events.rabbitmq` of every service.

mod events;
mod url;

pub use events::EventSettings;

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use service_runtime::settings::Secret;
use thiserror::Error;

/// Heartbeats below this make amqprs send them without pause.
const MIN_HEARTBEAT_SECONDS: u16 = 5;
const MAX_HEARTBEAT_SECONDS: u16 = 60;
const DEFAULT_HEARTBEAT_SECONDS: u16 = 10;

/// Section `events.rabbitmq`. A `url` decides everything it can say; what it cannot comes from the other members.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerSettings {
    /// `amqp://user:password@host:port/vhost`, or `amqps://`. Reserved characters percent-encoded.
    pub url: Option<Secret>,
    /// Host name or address.
    pub host: String,
    /// Port; 5672, or 5671 with TLS, when absent.
    pub port: Option<u16>,
    /// User.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Virtual host.
    pub virtual_host: String,
    /// Seconds between signs of life, 5 to 60; a broker silent for two of them is taken for dead.
    pub heartbeat_seconds: u16,
    /// TLS.
    pub tls: TlsSettings,
}

/// Section `events.rabbitmq.tls`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Whether to use TLS; an `amqps` URL says so as well.
    pub enabled: bool,
    /// PEM file of the authority that signed the broker's certificate; the public authorities when absent.
    pub ca_file: Option<PathBuf>,
    /// Name the certificate must be for, when it is not the host's.
    pub server_name: Option<String>,
}

/// What is wrong with the settings, in one line without the password.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The URL cannot be read.
    #[error("events.rabbitmq.url: {0}")]
    Url(&'static str),
    /// Too short or too long.
    #[error(
        "events.rabbitmq.heartbeat_seconds: {0} is not in {MIN_HEARTBEAT_SECONDS}..={MAX_HEARTBEAT_SECONDS}"
    )]
    Heartbeat(u16),
    /// AMQP carries these as short strings.
    #[error("events.rabbitmq.{0}: longer than 255 bytes")]
    TooLong(&'static str),
}

/// Settings with everything decided.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) virtual_host: String,
    pub(crate) heartbeat_seconds: u16,
    pub(crate) tls: bool,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            url: None,
            host: "127.0.0.1".to_owned(),
            port: None,
            username: "guest".to_owned(),
            password: Secret::new("guest"),
            virtual_host: "/".to_owned(),
            heartbeat_seconds: DEFAULT_HEARTBEAT_SECONDS,
            tls: TlsSettings::default(),
        }
    }
}

impl BrokerSettings {
    /// The defaults, with the broker of `url`.
    #[must_use]
    pub fn from_url(url: &str) -> Self {
        Self { url: Some(Secret::new(url)), ..Self::default() }
    }

    /// The same broker, but another of its virtual hosts.
    #[must_use]
    pub fn with_virtual_host(&self, name: &str) -> Self {
        let url = self.url.as_ref().map(|url| Secret::new(url::with_virtual_host(url.expose(), name)));
        Self { url, virtual_host: name.to_owned(), ..self.clone() }
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, SettingsError> {
        let mut endpoint = Endpoint {
            host: self.host.clone(),
            port: 0,
            username: self.username.clone(),
            password: self.password.expose().to_owned(),
            virtual_host: self.virtual_host.clone(),
            heartbeat_seconds: self.heartbeat_seconds,
            tls: self.tls.enabled,
        };
        let mut port = self.port;
        if let Some(url) = &self.url {
            let parts = url::parse(url.expose()).map_err(SettingsError::Url)?;
            endpoint.tls |= parts.tls;
            endpoint.host = parts.host;
            endpoint.username = parts.username.unwrap_or(endpoint.username);
            endpoint.password = parts.password.unwrap_or(endpoint.password);
            endpoint.virtual_host = parts.virtual_host.unwrap_or(endpoint.virtual_host);
            endpoint.heartbeat_seconds = parts.heartbeat_seconds.unwrap_or(endpoint.heartbeat_seconds);
            port = parts.port;
        }
        endpoint.port = port.unwrap_or(if endpoint.tls { 5671 } else { 5672 });
        endpoint.check()?;
        Ok(endpoint)
    }
}

impl Endpoint {
    fn check(&self) -> Result<(), SettingsError> {
        if !(MIN_HEARTBEAT_SECONDS..=MAX_HEARTBEAT_SECONDS).contains(&self.heartbeat_seconds) {
            return Err(SettingsError::Heartbeat(self.heartbeat_seconds));
        }
        let limited = [
            ("virtual_host", &self.virtual_host),
            ("username", &self.username),
            ("password", &self.password),
        ];
        match limited.into_iter().find(|(_, value)| value.len() > usize::from(u8::MAX)) {
            Some((name, _)) => Err(SettingsError::TooLong(name)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Endpoint {
    /// Host, port and virtual host; never the credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.virtual_host.starts_with('/') { "" } else { "/" };
        write!(formatter, "{}:{}{slash}{}", self.host, self.port, self.virtual_host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_decides_and_parts_fill_the_rest() {
        let settings = BrokerSettings {
            username: "dats".to_owned(),
            port: Some(1),
            ..BrokerSettings::from_url("amqps://broker.example/%2fteam?heartbeat=20")
        };
        let endpoint = settings.endpoint().unwrap();
        assert_eq!(endpoint.to_string(), "broker.example:5671/team");
        assert_eq!((endpoint.username.as_str(), endpoint.tls), ("dats", true));
        assert_eq!(endpoint.heartbeat_seconds, 20);
    }

    #[test]
    fn another_virtual_host_of_the_same_broker_replaces_only_that() {
        for url in ["amqp://u:p@h:1", "amqp://u:p@h:1/", "amqp://u:p@h:1/old?heartbeat=20"] {
            let settings = BrokerSettings { heartbeat_seconds: 20, ..BrokerSettings::from_url(url) };
            let endpoint = settings.with_virtual_host("/in fra").endpoint().unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port, endpoint.username.as_str()), ("h", 1, "u"));
            assert_eq!((endpoint.virtual_host.as_str(), endpoint.heartbeat_seconds), ("/in fra", 20));
        }
        let parts = BrokerSettings::default().with_virtual_host("infra").endpoint().unwrap();
        assert_eq!(parts.to_string(), "127.0.0.1:5672/infra");
    }

    #[test]
    fn a_heartbeat_that_would_flood_the_broker_is_refused() {
        let settings = BrokerSettings { heartbeat_seconds: 1, ..BrokerSettings::default() };
        assert_eq!(settings.endpoint().err(), Some(SettingsError::Heartbeat(1)));
    }

    #[test]
    fn debug_never_shows_the_password() {
        let settings = BrokerSettings {
            password: Secret::new("hunter2"),
            ..BrokerSettings::from_url("amqp://u:hunter2@h/")
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!settings.endpoint().unwrap().to_string().contains("hunter2"));
    }
}
