//! What every answer carries, whatever it is.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use uuid::Uuid;

use super::app::{bare, send};

const PATHS: [&str; 6] =
    ["/livez", "/api/v1/tasks", "/api/v1/tasks/x", "/nothing", "/openapi.json", "/api/v1/docs/nothing.js"];

#[actix_web::test]
async fn every_answer_names_its_trace_and_request_and_is_closed_to_abuse() {
    for path in PATHS {
        for method in [Method::GET, Method::DELETE, Method::OPTIONS] {
            let answer = send(bare(method, path)).await;
            let trace_id = Uuid::parse_str(answer.header("x-trace-id")).unwrap();
            assert!(!trace_id.is_nil());
            assert!(Uuid::parse_str(answer.header("x-request-id")).is_ok());
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("x-frame-options"), "DENY");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(!answer.header("cache-control").is_empty());
        }
    }
}

#[actix_web::test]
async fn the_clients_trace_is_continued() {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = send(bare(Method::GET, "/nothing").insert_header(("traceparent", traceparent))).await;
    assert_eq!(answer.header("x-trace-id"), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
    assert_eq!(answer.json()["trace_id"], "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
}

#[actix_web::test]
async fn a_malformed_trace_is_replaced() {
    for traceparent in ["00-0-0-0", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        let answer = send(bare(Method::GET, "/livez").insert_header(("traceparent", traceparent))).await;
        assert!(Uuid::parse_str(answer.header("x-trace-id")).is_ok_and(|id| !id.is_nil()));
    }
}

#[actix_web::test]
async fn the_clients_request_id_is_echoed_if_it_is_sane() {
    let with_id = |id: &str| -> TestRequest {
        bare(Method::GET, "/nothing").insert_header(("x-request-id", id.as_bytes()))
    };
    assert_eq!(send(with_id("order 17")).await.header("x-request-id"), "order 17");
    for refused in ["ü", &"x".repeat(129)] {
        let answer = send(with_id(refused)).await;
        assert!(Uuid::parse_str(answer.header("x-request-id")).is_ok());
    }
}
