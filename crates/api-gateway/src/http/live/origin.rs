//! Which web pages may open a WebSocket. Browsers let any page try, and send what they know of the user along;
//! the page they name in `Origin` is the only defence. Programs name none.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use protocol::ErrorCode;

use crate::http::problem::ApiError;

/// Allows every page.
const ANY: &str = "*";

/// Pages of other hosts that may connect.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowedOrigins(Arc<[String]>);

impl From<Vec<String>> for AllowedOrigins {
    fn from(origins: Vec<String>) -> Self {
        Self(origins.into())
    }
}

impl AllowedOrigins {
    /// Lets programs and pages of this host or of an allowed one through.
    ///
    /// # Errors
    /// 403 for any other page.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let is_listed = |allowed: &String| allowed == ANY || allowed.eq_ignore_ascii_case(origin);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if self.0.iter().any(is_listed) || host.is_some_and(|host| is_page_of(origin, host)) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::Forbidden, "pages of this origin may not connect"))
    }
}

/// Behind a proxy that ends TLS the scheme is not known here, so host and port decide.
fn is_page_of(origin: &str, host: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn is_allowed(allowed: &[&str], origin: Option<&'static str>) -> bool {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("dats.example:8000"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        AllowedOrigins::from(allowed).check(&headers).is_ok()
    }

    #[test]
    fn programs_and_pages_of_our_own_host_may_connect() {
        assert!(is_allowed(&[], None));
        assert!(is_allowed(&[], Some("http://dats.example:8000")));
        assert!(is_allowed(&[], Some("https://DATS.example:8000")));
    }

    #[test]
    fn pages_of_other_hosts_may_connect_only_when_listed() {
        for origin in
            ["http://evil.example", "http://dats.example", "null", "", "http://dats.example:8000.evil"]
        {
            assert!(!is_allowed(&[], Some(origin)), "{origin}");
            assert!(!is_allowed(&["https://app.example"], Some(origin)), "{origin}");
            assert!(is_allowed(&["*"], Some(origin)), "{origin}");
        }
        assert!(is_allowed(&["https://app.example"], Some("https://app.example")));
    }
}
