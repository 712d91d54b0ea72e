//! `/docs`: the API's document as a page to read and try out. Its files are part of the binary, so that it needs
//! no network.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Path;
use protocol::ErrorCode;
use utoipa_swagger_ui::Config;

use crate::http::openapi::answers::NoSuchPath;
use crate::http::problem::ApiError;

/// Leads to the documentation page
///
/// The page loads its files from below `/docs/`, so its address has to end with a slash.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "operations",
    responses((status = 308, description = "The page is at `/docs/`",
        headers(("Location" = String, description = "Where it is"))))
)]
pub(crate) async fn redirect_to_docs() -> HttpResponse {
    // Relative, so that it works behind a proxy that adds a prefix.
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}

/// Shows the documentation page
#[utoipa::path(
    get,
    path = "/docs/",
    tag = "operations",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub(crate) async fn get_docs_page() -> Result<HttpResponse, ApiError> {
    serve("")
}

/// Shows a file of the documentation page
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "operations",
    params(("file" = String, Path, description = "The file's name", example = "index.html")),
    responses(
        (status = 200, description = "The file", body = String, content_type = "*/*"),
        NoSuchPath,
    )
)]
pub(crate) async fn get_docs_file(file: Path<String>) -> Result<HttpResponse, ApiError> {
    serve(&file)
}

fn serve(file: &str) -> Result<HttpResponse, ApiError> {
    let config = Arc::new(Config::from("../openapi.json"));
    let found = utoipa_swagger_ui::serve(file, config)
        .map_err(|error| ApiError::internal(error.to_string()))?
        .ok_or_else(|| ApiError::new(ErrorCode::NoSuchRoute, "the documentation page has no such file"))?;
    let mut response = HttpResponse::Ok();
    if found.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(response.content_type(found.content_type).body(found.bytes.into_owned()))
}
