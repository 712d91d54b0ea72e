//! `DELETE /keys/{key_id}`: makes a key useless. Asking twice is no error.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ErrorCode;

use crate::access::KeyId;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchKey};
use crate::http::path::PathId;
use crate::http::problem::ApiError;

/// Revokes an API key
///
/// Other replicas may go on taking it for the few seconds of `auth.cache_seconds`.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{key_id}",
    tag = "access",
    params(("key_id" = Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "The key is useless"), NoSuchKey, CannotServe)
)]
pub(crate) async fn revoke_key(
    state: Data<AppState>,
    key_id: PathId<KeyId>,
) -> Result<HttpResponse, ApiError> {
    if state.access.keys.revoke_key(key_id.0).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::new(ErrorCode::KeyNotFound, format!("there is no key {}", key_id.0)))
}
