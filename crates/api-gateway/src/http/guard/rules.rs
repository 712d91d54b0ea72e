//! Who may use which route, in one place: looking needs `read`, changing needs `write`; exceptions are listed here. A
//! route that nobody thought of is closed to keys that are bound to projects, rather than open.

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;

use crate::access::Scope;
use crate::http::API_PREFIX;
use crate::http::routes::find_route;

/// What a route asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Who may use it.
    pub(crate) reach: Reach,
    /// What keys that are bound to projects may see of it.
    pub(crate) bounds: Bounds,
    /// The path of the route.
    pub(crate) pattern: &'static str,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Also those without a key.
    Everybody,
    /// Keys with this scope.
    Scope(Scope),
}

/// How a route is kept within a caller's projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// By what its path names.
    Path(Named),
    /// Its handler does it.
    Handler,
    /// It shows nothing that belongs to a project.
    Shared,
    /// The query has to name one of the caller's projects.
    Query,
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// `{project_id}`.
    Project,
    /// `{task_id}`.
    Task,
    /// `{review_id}`.
    Review,
    /// `{id}` of provenance.
    Record,
    /// Something whose project is not known here.
    Other,
}

/// Nobody is asked for a key here: probes, and the documentation.
const FOR_EVERYBODY: &[&str] = &["/livez", "/readyz", "/health", "/openapi.json"];

/// Paths with one of these segments are for administrators.
const FOR_ADMINISTRATORS: &[&str] =
    &["keys", "audit", "import", "dead-letters", "dead_letters", "redrive", "purge"];

/// Handlers that look at the caller themselves.
const BOUND_BY_HANDLER: &[&str] = &["/tasks", "/tasks/batch", "/dispatch", "/ws/{trace_id}"];

/// What is the same for all projects.
const SHARED: &[&str] =
    &["/agents", "/agents/{agent_id}", "/workers", "/queues", "/tiers", "/health/detailed", "/metrics"];

/// The rule of the route that a request to that path goes to; `None` if the path has no such method.
pub(super) fn rule_of(path: &'static str, request: &ServiceRequest) -> Option<Rule> {
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    find_route(method, path).map(|pattern| rule_for(method, pattern))
}

/// The rule of a route.
pub(crate) fn rule_for(method: &Method, pattern: &'static str) -> Rule {
    let path = pattern.strip_prefix(API_PREFIX).unwrap_or(pattern);
    let has_segment = |words: &[&str]| path.split('/').any(|segment| words.contains(&segment));
    let reach = if FOR_EVERYBODY.contains(&path) || path == "/docs" || path.starts_with("/docs/") {
        Reach::Everybody
    } else if has_segment(FOR_ADMINISTRATORS) || (path.starts_with("/tiers/") && method != Method::GET) {
        Reach::Scope(Scope::Admin)
    } else if method == Method::GET {
        Reach::Scope(Scope::Read)
    } else {
        Reach::Scope(Scope::Write)
    };
    Rule { reach, bounds: bounds_for(method, path), pattern }
}

fn bounds_for(method: &Method, path: &str) -> Bounds {
    let filters_itself = ["/projects", "/reviews", "/provenance"].contains(&path) && method == Method::GET;
    if BOUND_BY_HANDLER.contains(&path) || filters_itself {
        return Bounds::Handler;
    }
    if SHARED.contains(&path) {
        return Bounds::Shared;
    }
    let named = path.split('/').find(|segment| segment.starts_with('{'));
    match named {
        None => Bounds::Query,
        Some("{project_id}") => Bounds::Path(Named::Project),
        Some("{task_id}") => Bounds::Path(Named::Task),
        Some("{review_id}") => Bounds::Path(Named::Review),
        Some("{id}") if path.starts_with("/provenance/") => Bounds::Path(Named::Record),
        Some(_) => Bounds::Path(Named::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::{ALIASES, ROUTES};

    fn rule(method: &Method, pattern: &'static str) -> (Option<Scope>, Bounds) {
        let rule = rule_for(method, pattern);
        (rule.scope(), rule.bounds)
    }

    #[test]
    fn looking_needs_read_changing_needs_write_and_exceptions_are_few() {
        let task = Bounds::Path(Named::Task);
        for (method, pattern, expected) in [
            (Method::GET, "/livez", (None, Bounds::Query)),
            (Method::GET, "/api/v1/docs/{file}", (None, Bounds::Path(Named::Other))),
            (Method::GET, "/metrics", (Some(Scope::Read), Bounds::Shared)),
            (Method::GET, "/api/v1/tasks/{task_id}", (Some(Scope::Read), task)),
            (Method::POST, "/api/v1/tasks/{task_id}/cancel", (Some(Scope::Write), task)),
            (Method::POST, "/api/v1/tasks", (Some(Scope::Write), Bounds::Handler)),
            (Method::POST, "/api/v1/projects", (Some(Scope::Write), Bounds::Query)),
            (Method::POST, "/api/v1/keys", (Some(Scope::Admin), Bounds::Query)),
            (Method::GET, "/api/v1/audit", (Some(Scope::Admin), Bounds::Query)),
            (Method::POST, "/api/v1/provenance/import", (Some(Scope::Admin), Bounds::Query)),
            (Method::GET, "/api/v1/provenance/{id}/impact", (Some(Scope::Read), Bounds::Path(Named::Record))),
            (Method::DELETE, "/api/v1/keys/{key_id}", (Some(Scope::Admin), Bounds::Path(Named::Other))),
        ] {
            assert_eq!(rule(&method, pattern), expected, "{method} {pattern}");
        }
    }

    #[test]
    fn every_route_that_changes_something_needs_more_than_read_and_few_are_open() {
        for entry in ROUTES.iter().chain(ALIASES) {
            let scope = rule_for(&entry.method, entry.path).scope();
            if entry.method == Method::GET {
                let is_open = scope.is_none();
                let path = entry.path.strip_prefix(API_PREFIX).unwrap_or(entry.path);
                let may_be = FOR_EVERYBODY.contains(&path) || path.starts_with("/docs");
                assert_eq!(is_open, may_be, "{}", entry.path);
            } else {
                assert!(
                    matches!(scope, Some(Scope::Write | Scope::Admin)),
                    "{} {}",
                    entry.method,
                    entry.path
                );
            }
        }
    }

    #[test]
    fn what_is_listed_by_name_exists() {
        let exists = |path: &str| ROUTES.iter().any(|entry| entry.path.ends_with(path));
        for path in FOR_EVERYBODY.iter().chain(BOUND_BY_HANDLER) {
            assert!(exists(path), "{path}");
        }
    }
}
