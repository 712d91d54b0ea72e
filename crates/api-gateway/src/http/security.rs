//! Headers that keep browsers from doing more with an answer than it is meant for.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What an API answer may do in a browser: nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The documentation page loads its own scripts and styles, and asks this API.
const DOCUMENTATION_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Whether a path belongs to the documentation page.
pub(crate) fn is_documentation(path: &str) -> bool {
    let path = path.strip_prefix(super::API_PREFIX).unwrap_or(path);
    path.strip_prefix("/docs").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds the headers. An answer that says itself how it may be cached keeps that; all others are not to be stored.
pub(crate) fn add_headers(headers: &mut HeaderMap, for_docs: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = if for_docs { DOCUMENTATION_POLICY } else { API_POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_is_known_by_its_path() {
        assert!(is_documentation("/docs"));
        assert!(is_documentation("/api/v1/docs/index.html"));
        assert!(!is_documentation("/docsx"));
        assert!(!is_documentation("/api/v1/tasks"));
    }
}
