//! A key as administrators see it: everything but the key.

use protocol::{ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{KeyId, Scope, StoredKey};

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyView {
    /// Names the key without being it.
    #[schema(value_type = Uuid)]
    key_id: KeyId,
    /// What people call it.
    name: String,
    /// What it is good for.
    #[schema(value_type = Vec<ScopeWord>)]
    scopes: Vec<Scope>,
    /// The only projects it may see; `null` for all.
    #[schema(value_type = Option<Vec<String>>)]
    projects: Option<Vec<ProjectId>>,
    /// Id of the key that made it, `anonymous`, or `command line`.
    created_by: String,
    /// When it was made.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// From when on it is useless; `null` for never.
    #[schema(value_type = Option<DateTime>)]
    expires_at: Option<Timestamp>,
    /// Since when it is useless; `null` if it is not revoked.
    #[schema(value_type = Option<DateTime>)]
    revoked_at: Option<Timestamp>,
}

/// What a key may be good for; only names a schema.
#[derive(ToSchema)]
#[schema(as = KeyScope, rename_all = "snake_case")]
#[expect(dead_code, reason = "names a schema and has no values")]
pub(super) enum ScopeWord {
    Read,
    Write,
    Admin,
}

impl From<StoredKey> for KeyView {
    fn from(key: StoredKey) -> Self {
        Self {
            key_id: key.key_id,
            name: key.name,
            scopes: key.scopes,
            projects: key.projects,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}
