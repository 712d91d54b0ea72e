//! Imports and exports before anything was moved: what is wrong is told by the status.

use actix_web::http::Method;
use actix_web::test::TestRequest;

use super::app::{Answer, bare, send};

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
