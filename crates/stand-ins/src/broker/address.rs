//! Where the broker is: an `amqp://` URL taken apart, percent-encoding resolved.

use std::fmt;

use amqprs::connection::OpenConnectionArguments;
use percent_encoding::percent_decode_str;

/// Heartbeat interval in seconds: a dead connection is noticed after about twice this.
const HEARTBEAT_SECONDS: u16 = 10;

/// Host, port, credentials and virtual host.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    host: String,
    port: u16,
    username: String,
    password: String,
    virtual_host: String,
}

/// A broker URL that cannot be used. The URL is not repeated: it holds a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAddress(&'static str);

impl fmt::Display for InvalidAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a broker URL: {}", self.0)
    }
}

impl std::error::Error for InvalidAddress {}

impl BrokerAddress {
    /// Reads `amqp://user:password@host:port/vhost`. Without a path the virtual host is `/`.
    ///
    /// # Errors
    /// Says which part does not fit.
    pub fn parse(url: &str) -> Result<Self, InvalidAddress> {
        let url = reqwest::Url::parse(url).map_err(|_| InvalidAddress("malformed"))?;
        if url.scheme() != "amqp" {
            return Err(InvalidAddress("must begin with amqp://"));
        }
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(String::from)
                .map_err(|_| InvalidAddress("percent-encoding is not UTF-8"))
        };
        let or_guest = |text: String| if text.is_empty() { "guest".to_owned() } else { text };
        let virtual_host = match url.path().strip_prefix('/') {
            None | Some("") => "/".to_owned(),
            Some(name) => decode(name)?,
        };
        Ok(Self {
            host: url.host_str().ok_or(InvalidAddress("has no host"))?.to_owned(),
            port: url.port().unwrap_or(5672),
            username: or_guest(decode(url.username())?),
            password: or_guest(decode(url.password().unwrap_or_default())?),
            virtual_host,
        })
    }

    /// What amqprs needs to open a connection that shows up at the broker as `name`.
    pub(super) fn open_arguments(&self, name: &str) -> OpenConnectionArguments {
        OpenConnectionArguments::new(&self.host, self.port, &self.username, &self.password)
            .virtual_host(&self.virtual_host)
            .connection_name(name)
            .heartbeat(HEARTBEAT_SECONDS)
            .finish()
    }
}

impl fmt::Debug for BrokerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "amqp://{}:{}/{}", self.host, self.port, self.virtual_host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_decoded() {
        let address = BrokerAddress::parse("amqp://da%40ts:p%2Fw@127.0.0.1:24663/%2F").unwrap();
        assert_eq!((address.username.as_str(), address.password.as_str()), ("da@ts", "p/w"));
        assert_eq!((address.port, address.virtual_host.as_str()), (24663, "/"));
    }

    #[test]
    fn what_is_left_out_has_the_usual_values() {
        let address = BrokerAddress::parse("amqp://localhost").unwrap();
        assert_eq!((address.port, address.virtual_host.as_str()), (5672, "/"));
        assert_eq!(address.username, "guest");
    }

    #[test]
    fn other_schemes_are_refused_without_repeating_the_password() {
        let error = BrokerAddress::parse("http://a:secret@h").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
