//! Where a webhook points: which URLs are taken, and which are refused before anything is resolved.

use std::net::IpAddr;

use reqwest::Url;

use super::addresses::is_public;

/// Most characters of a URL.
pub(crate) const MOST_URL_CHARS: usize = 2048;

/// What is said of an address that is not allowed.
pub(super) const PRIVATE: &str = "points into a private network, which this installation does not allow";

/// Reads a receiver's URL.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn parse(text: &str, allow_private: bool) -> Result<Url, String> {
    let rule = "must be an http:// or https:// URL without user, password and fragment";
    if text.chars().count() > MOST_URL_CHARS {
        return Err(format!("must have at most {MOST_URL_CHARS} characters"));
    }
    let url = Url::parse(text).map_err(|_| rule.to_owned())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| !host.is_empty());
    let (true, true, Some(host)) = (matches!(url.scheme(), "http" | "https"), plain, host) else {
        return Err(rule.to_owned());
    };
    if !allow_private && is_private_by_itself(host) {
        return Err(PRIVATE.to_owned());
    }
    Ok(url)
}

/// Addresses and names that tell without being resolved. Other names are checked with every delivery.
fn is_private_by_itself(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    literal.parse::<IpAddr>().is_ok_and(|address| !is_public(address))
        || name == "localhost"
        || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_urls_are_taken() {
        for url in ["https://hooks.example.org/dats?x=1", "http://hooks.example.org:8080", "https://1.1.1.1/"]
        {
            assert!(parse(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_receiver_is_refused() {
        for url in
            ["", "hooks", "ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/#x"]
        {
            assert!(parse(url, true).is_err(), "{url}");
        }
        assert!(parse(&format!("https://a.example/{}", "x".repeat(MOST_URL_CHARS)), true).is_err());
    }

    #[test]
    fn private_addresses_are_refused_however_they_are_written_unless_allowed() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::1]:80/",
            "http://10.1.2.3",
            "http://[::ffff:169.254.169.254]/",
            "http://localhost:9",
            "http://LOCALHOST./",
            "http://a.localhost",
        ] {
            assert_eq!(parse(url, false).unwrap_err(), PRIVATE, "{url}");
            assert!(parse(url, true).is_ok(), "{url}");
        }
    }
}
