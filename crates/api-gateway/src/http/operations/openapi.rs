//! `GET /openapi.json`: the API's document. It is made once and then only copied.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};

/// The document as it is sent; part of the application's data.
#[derive(Debug, Clone)]
pub(crate) struct OpenApiBytes(pub(crate) Bytes);

/// Shows this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(crate) async fn get_openapi(document: Data<OpenApiBytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(document.0.clone())
}
