//! Reads AMQP URLs: `amqp[s]://[user[:password]@]host[:port][/vhost][?heartbeat=seconds]`, percent-decoded.
//! Source: <https://www.rabbitmq.com/docs/uri-spec>

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a URL says; the rest is `None`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct UrlParts {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) virtual_host: Option<String>,
    pub(super) heartbeat_seconds: Option<u16>,
}

/// The error says what is wrong without repeating the text, which may hold a password.
pub(super) fn parse(url: &str) -> Result<UrlParts, &'static str> {
    let (scheme, rest) = url.trim().split_once("://").ok_or("expected amqp://host or amqps://host")?;
    let mut parts = UrlParts {
        tls: match scheme {
            "amqp" => false,
            "amqps" => true,
            _ => return Err("the scheme must be amqp or amqps"),
        },
        ..UrlParts::default()
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let address = match authority.rsplit_once('@') {
        Some((user, address)) => {
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(password)),
                None => (user, None),
            };
            parts.username = Some(decode(name)?);
            parts.password = password.map(decode).transpose()?;
            address
        }
        None => authority,
    };
    (parts.host, parts.port) = host_and_port(address)?;
    // A lone slash is how people write "the default virtual host".
    parts.virtual_host = path.filter(|path| !path.is_empty()).map(virtual_host).transpose()?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("heartbeat", seconds)) => {
                parts.heartbeat_seconds =
                    Some(seconds.parse().map_err(|_| "heartbeat must be a number of seconds")?);
            }
            _ => return Err("the only query parameter understood is heartbeat"),
        }
    }
    Ok(parts)
}

/// The URL with another virtual host; an unreadable one stays unreadable.
pub(super) fn with_virtual_host(url: &str, name: &str) -> String {
    let (address, query) = match url.trim().split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url.trim(), String::new()),
    };
    let authority_at = address.find("://").map_or(0, |position| position + "://".len());
    let path_at = address.get(authority_at..).and_then(|rest| rest.find('/'));
    let server = path_at.and_then(|position| address.get(..authority_at + position)).unwrap_or(address);
    format!("{server}/{}{query}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn virtual_host(path: &str) -> Result<String, &'static str> {
    if path.contains('/') {
        return Err("a slash inside the virtual host must be written %2f");
    }
    decode(path)
}

fn host_and_port(address: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or("an IPv6 address must end in ]")?;
            (format!("[{host}]"), after.strip_prefix(':'))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (decode(host)?, Some(port)),
            None => (decode(address)?, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    let port =
        port.map(|port| port.parse().map_err(|_| "the port must be a number up to 65535")).transpose()?;
    Ok((host, port))
}

fn decode(text: &str) -> Result<String, &'static str> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "percent-encoded bytes must be UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_and_percent_decoded() {
        let parts = parse("amqp://me%40x:p%2Fw%3A@[::1]:5673/%2fa%20b").unwrap();
        assert_eq!(
            parts,
            UrlParts {
                tls: false,
                host: "[::1]".to_owned(),
                port: Some(5673),
                username: Some("me@x".to_owned()),
                password: Some("p/w:".to_owned()),
                virtual_host: Some("/a b".to_owned()),
                heartbeat_seconds: None,
            }
        );
    }

    #[test]
    fn what_is_absent_stays_open() {
        for url in ["amqp://h", "amqp://h/"] {
            assert_eq!(parse(url).unwrap(), UrlParts { host: "h".to_owned(), ..UrlParts::default() });
        }
    }

    #[test]
    fn unreadable_urls_say_why() {
        for url in [
            "h:1",
            "http://h",
            "amqp://",
            "amqp://h:port",
            "amqp://h:99999",
            "amqp://h/a/b",
            "amqp://h?x=1",
            "amqp://h/%ff",
            "amqp://[::1",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
