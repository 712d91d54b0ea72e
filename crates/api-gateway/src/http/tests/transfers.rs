//! Imports and exports before anything was moved: what is wrong is told by the status.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::app::{Answer, bare, send, send_with};
use crate::access::AuthSettings;

const LINE: &str = "{\"kind\":\"record\",\"file\":\"a.json\",\"body\":{}}\n";

async fn import(content_type: &str, body: &str) -> Answer {
    let request = TestRequest::post().uri("/api/v1/provenance/import");
    send(request.insert_header(("content-type", content_type)).set_payload(body.to_owned())).await
}

#[actix_web::test]
async fn an_import_is_json_by_lines() {
    for content_type in ["application/json", "text/plain", ""] {
        let answer = import(content_type, LINE).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (415, 1005), "{content_type}");
    }
}

#[actix_web::test]
async fn an_import_of_nothing_has_no_outcomes() {
    let answer = import("application/x-ndjson; charset=utf-8", "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
}

#[actix_web::test]
async fn a_transfer_that_cannot_begin_says_so_by_its_status() {
    let answer = import("application/x-ndjson", LINE).await;
    assert_eq!((answer.status.as_u16(), answer.error_code()), (503, 5030));
    let answer = send(bare(Method::GET, "/api/v1/projects/p/provenance/export")).await;
    assert_eq!((answer.status.as_u16(), answer.error_code()), (503, 5030));
    let answer = send(bare(Method::GET, "/api/v1/projects/a%20b/provenance/export")).await;
    assert_eq!((answer.status.as_u16(), answer.error_code()), (400, 1006));
}

#[actix_web::test]
async fn a_line_that_cannot_be_read_is_refused_without_asking_anybody() {
    let body = format!("{{\"x\":\"{}\"}}\n", "x".repeat(5000));
    let answer = import("application/x-ndjson", &body).await;
    assert_eq!(answer.status.as_u16(), 200);
    let outcome = answer.json();
    assert_eq!(outcome["outcome"], "refused");
    assert_eq!(outcome["reason"], "line 1: it has more than 4096 bytes");
}

#[actix_web::test]
async fn an_artifact_named_import_is_shown_like_any_other() {
    for method in [Method::GET, Method::HEAD] {
        let answer = send(bare(method.clone(), "/api/v1/provenance/import")).await;
        let other = send(bare(method, "/api/v1/provenance/any-other")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "the provenance-store was asked");
        assert_eq!(answer.status, other.status);
    }
    let allow = "POST, GET, HEAD, OPTIONS";
    let answer = send(bare(Method::PUT, "/api/v1/provenance/import")).await;
    assert_eq!((answer.error_code(), answer.header("allow")), (4050, allow));
    assert_eq!(send(bare(Method::OPTIONS, "/api/v1/provenance/import")).await.header("allow"), allow);
    // It is guarded like any other, too.
    let auth = AuthSettings { enabled: true, audit: false, ..AuthSettings::default() };
    assert_eq!(send_with(auth, bare(Method::GET, "/api/v1/provenance/import")).await.error_code(), 4010);
}
