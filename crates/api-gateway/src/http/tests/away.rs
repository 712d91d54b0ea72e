//! What clients see while the database and the broker are away.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;

use super::app::{bare, post, send};

const TASK: &str = "0190f3a1-0000-7000-8000-000000000001";

/// The beginning of a WebSocket.
fn handshake(path: &str) -> TestRequest {
    bare(Method::GET, path)
        .insert_header(("Connection", "Upgrade"))
        .insert_header(("Upgrade", "websocket"))
        .insert_header(("Sec-WebSocket-Version", "13"))
        .insert_header(("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw=="))
}

#[actix_web::test]
async fn a_database_that_is_away_is_503_and_says_when_to_come_back() {
    let requests = [
        post("/api/v1/tasks", &json!({ "description": "d" })),
        bare(Method::GET, "/api/v1/tasks"),
        bare(Method::GET, &format!("/api/v1/tasks/{TASK}")),
        bare(Method::GET, &format!("/api/v1/tasks/{TASK}/status")),
        bare(Method::GET, &format!("/api/v1/tasks/{TASK}/history")),
        bare(Method::GET, &format!("/api/v1/tasks/{TASK}/stream")),
        handshake(&format!("/ws/{TASK}")),
        bare(Method::POST, &format!("/api/v1/tasks/{TASK}/cancel")),
        bare(Method::POST, &format!("/api/v1/tasks/{TASK}/retry")),
        bare(Method::GET, "/api/v1/projects/default/status"),
        bare(Method::GET, "/api/v1/provenance/anything"),
    ];
    for request in requests {
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", answer.body);
        assert_eq!(answer.error_code(), 5030);
        assert_eq!(answer.header("retry-after"), "2");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!text.contains("127.0.0.1"), "hosts are not for clients: {text}");
    }
}

#[actix_web::test]
async fn the_service_says_that_it_lives_but_is_not_ready() {
    assert_eq!(send(bare(Method::GET, "/livez")).await.status, StatusCode::OK);
    let ready = send(bare(Method::GET, "/readyz")).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["dependencies"]["database"]["status"], "down");
}

#[actix_web::test]
async fn health_tells_what_is_away() {
    for path in ["/health", "/api/v1/health"] {
        let health = send(bare(Method::GET, path)).await;
        assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(health.header("content-type"), "application/json");
        assert_eq!(
            (&health.json()["status"], &health.json()["version"]),
            (&json!("unhealthy"), &json!("1.2.3"))
        );
    }
    let detailed = send(bare(Method::GET, "/api/v1/health/detailed")).await.json();
    assert_eq!(detailed["status"], "unhealthy");
    assert!(detailed["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        detailed["dependencies"]["database"],
        json!({ "status": "unhealthy", "required": true, "detail": "no answer" })
    );
}

#[actix_web::test]
async fn requests_are_counted_by_route_and_not_by_id() {
    send(bare(Method::GET, &format!("/api/v1/tasks/{TASK}"))).await;
    let metrics = send(bare(Method::GET, "/metrics")).await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(
        text.contains(r#"http_requests_total{method="GET",route="/api/v1/tasks/{task_id}",status="503"}"#)
    );
    assert!(text.contains("http_request_duration_seconds_bucket"));
    assert!(!text.contains(TASK));
}
