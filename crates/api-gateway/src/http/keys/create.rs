//! `POST /keys`: makes a key. The answer is the only place where it can be seen.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::{ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{KeyView, ScopeWord};
use crate::access::{Caller, NewKey, Scope};
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::guard::once::KeptInstead;
use crate::http::openapi::answers::{BadBody, CannotServe};
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;

/// Most characters of a name.
const MOST_NAME_CHARS: usize = 100;
/// Most projects of a key.
const MOST_PROJECTS: usize = 1000;

/// Makes an API key
///
/// The key is in this answer and nowhere else: only its digest is kept.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    tag = "access",
    request_body(content = CreateKeyRequest, examples(
        ("reader" = (summary = "Looks at one project", value = json!({
            "name": "dashboard", "scopes": ["read"], "projects": ["docs-site"]
        }))),
        ("admin" = (summary = "May do everything until 2031", value = json!({
            "name": "operations", "scopes": ["admin"], "expires_at": "2031-01-01T00:00:00Z"
        }))),
    )),
    responses(
        (status = 201, description = "The key", body = CreateKeyResponse),
        BadBody,
        CannotServe,
    )
)]
pub(crate) async fn create_key(
    state: Data<AppState>,
    caller: Caller,
    operation: Option<OperationId>,
    request: RequestBody<CreateKeyRequest>,
) -> Result<HttpResponse, ApiError> {
    let CreateKeyRequest { name, scopes, projects, expires_at } = request.0;
    let new = NewKey { name, scopes, projects, expires_at, created_by: caller.id() };
    let (key, stored) = state.access.keys.create_key(&new, operation).await?;
    let mut answer = CreateKeyResponse { key: Some(key.reveal().to_owned()), known: stored.into() };
    let mut response = HttpResponse::Created().json(&answer);
    answer.key = None;
    let instead = serde_json::to_vec(&answer).map_err(ApiError::internal)?;
    response.extensions_mut().insert(KeptInstead(instead));
    Ok(response)
}

/// A key to be made.
#[derive(Debug, ToSchema)]
pub(crate) struct CreateKeyRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is good for.
    #[schema(value_type = Vec<ScopeWord>, min_items = 1)]
    scopes: Vec<Scope>,
    /// The only projects it may see; all when absent. Not with the scope `admin`.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    projects: Option<Vec<ProjectId>>,
    /// From when on it is useless; never when absent.
    #[schema(value_type = Option<DateTime>)]
    expires_at: Option<Timestamp>,
}

impl ReadBody for CreateKeyRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", |node| node.text(1..=MOST_NAME_CHARS));
        let scopes: Option<Vec<Scope>> = fields.required("scopes", |node| node.list(|item| item.parsed()));
        let projects: Option<Vec<ProjectId>> =
            fields.optional("projects", |node| node.list(|item| item.parsed()));
        let expires_at = fields.optional("expires_at", |node| node.time());
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            fields.refuse("scopes", "must name at least one scope");
        }
        if projects.as_ref().is_some_and(|projects| !(1..=MOST_PROJECTS).contains(&projects.len())) {
            fields.refuse("projects", format!("must have 1 to {MOST_PROJECTS} items"));
        }
        let is_admin = scopes.as_ref().is_some_and(|scopes| scopes.contains(&Scope::Admin));
        if is_admin && projects.is_some() {
            fields.refuse("projects", "must be absent: a key with the scope admin sees every project");
        }
        let mut scopes = scopes?;
        scopes.sort_unstable();
        scopes.dedup();
        Some(Self { name: name?, scopes, projects, expires_at })
    }
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreateKeyResponse {
    /// The key. It is shown only once: `null` when the answer is repeated for an idempotency key.
    #[schema(example = "dats_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    key: Option<String>,
    /// What is known of it.
    #[serde(flatten)]
    known: KeyView,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    fn read(body: &Value) -> Result<CreateKeyRequest, Vec<String>> {
        read_body(body.to_string().as_bytes(), &ConfiguredWords::default()).map_err(|error| error.fields())
    }

    #[test]
    fn a_key_is_read_with_each_scope_once() {
        let key = read(&json!({ "name": "ci", "scopes": ["write", "read", "write"] })).unwrap();
        assert_eq!((key.scopes, key.projects), (vec![Scope::Read, Scope::Write], None));
    }

    #[test]
    fn bad_keys_are_refused_by_every_field() {
        for (body, fields) in [
            (json!({}), vec!["name", "scopes"]),
            (json!({ "name": " ", "scopes": [] }), vec!["name", "scopes"]),
            (json!({ "name": "a", "scopes": ["root"] }), vec!["scopes[0]"]),
            (json!({ "name": "a", "scopes": ["read"], "projects": [] }), vec!["projects"]),
            (json!({ "name": "a", "scopes": ["admin"], "projects": ["web"] }), vec!["projects"]),
            (json!({ "name": "a", "scopes": ["read"], "projects": ["a b"] }), vec!["projects[0]"]),
            (json!({ "name": "a", "scopes": ["read"], "expires_at": "soon" }), vec!["expires_at"]),
            (json!({ "name": "a", "scopes": ["read"], "key": "mine" }), vec!["key"]),
        ] {
            assert_eq!(read(&body).unwrap_err(), fields, "{body}");
        }
    }
}
