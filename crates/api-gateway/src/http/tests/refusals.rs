//! Bad input at the edge: the right code, every bad field named, and never a 5xx.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;

use super::app::{Answer, MOST_BODY_BYTES, bare, post, send};
use crate::http::routes::ROUTES;

const TASK: &str = "0190f3a1-0000-7000-8000-000000000001";

fn expect(answer: &Answer, status: u16, code: u64) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (status, code), "{:?}", answer.body);
}

#[actix_web::test]
async fn unknown_paths_are_404() {
    for path in ["/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/tasks/", "/api/v2/tasks", "/%ff%00"]
    {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            expect(&send(bare(method, path)).await, 404, 4040);
        }
    }
}

#[actix_web::test]
async fn a_wrong_method_is_405_and_says_what_is_allowed() {
    for (method, path, allow) in [
        (Method::DELETE, "/api/v1/tasks", "POST, GET, HEAD, OPTIONS"),
        (Method::PUT, &format!("/api/v1/tasks/{TASK}"), "GET, HEAD, OPTIONS"),
        (Method::GET, &format!("/api/v1/tasks/{TASK}/cancel"), "POST, OPTIONS"),
        (Method::POST, "/livez", "GET, HEAD, OPTIONS"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/v1/health", "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(bare(method, path)).await;
        expect(&answer, 405, 4050);
        assert_eq!(answer.header("allow"), allow);
    }
}

#[actix_web::test]
async fn options_tell_what_is_allowed() {
    let answer = send(bare(Method::OPTIONS, "/api/v1/tasks")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("allow"), "POST, GET, HEAD, OPTIONS");
}

#[actix_web::test]
async fn head_is_answered_like_get() {
    assert_eq!(send(bare(Method::HEAD, "/livez")).await.status, StatusCode::OK);
    let refused = send(bare(Method::HEAD, "/api/v1/tasks/nonsense")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn a_task_id_that_is_none_is_1006() {
    for id in
        ["x", "123", "0190f3a1000070008000000000000001", "%7B0190f3a1-0000-7000-8000-000000000001%7D", "%00"]
    {
        for path in [format!("/api/v1/tasks/{id}"), format!("/api/v1/tasks/{id}/history")] {
            let answer = send(bare(Method::GET, &path)).await;
            expect(&answer, 400, 1006);
            assert_eq!(answer.bad_fields(), ["task_id"]);
        }
        expect(&send(bare(Method::POST, &format!("/api/v1/tasks/{id}/cancel"))).await, 400, 1006);
        expect(&send(bare(Method::POST, &format!("/api/v1/tasks/{id}/retry"))).await, 400, 1006);
    }
}

#[actix_web::test]
async fn project_and_artifact_ids_have_rules_too() {
    for path in ["/api/v1/projects/a%20b/status", "/api/v1/projects/a%2Fb/status"] {
        let answer = send(bare(Method::GET, path)).await;
        expect(&answer, 400, 1006);
        assert_eq!(answer.bad_fields(), ["project_id"]);
    }
    for id in ["%00", "x".repeat(256).as_str()] {
        expect(&send(bare(Method::GET, &format!("/api/v1/provenance/{id}"))).await, 400, 1006);
    }
    // A slash in an artifact id is fine; that the store is away shows that the id was taken.
    expect(&send(bare(Method::GET, "/api/v1/provenance/src%2Fmain.rs%3F")).await, 503, 5030);
}

#[actix_web::test]
async fn a_parameter_that_is_not_known_is_refused_also_where_none_is_taken() {
    // Probes and browsers may append what they like, and live updates take the key as a parameter.
    let lenient = ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/health", "/stream", "/ws/"];
    let asked = ROUTES.iter().filter(|route| route.method == Method::GET);
    for route in asked.filter(|route| !lenient.iter().any(|part| route.path.contains(part))) {
        let filled = route.path.split('/').map(|segment| match segment {
            "{project_id}" => "default",
            parameter if parameter.starts_with('{') => TASK,
            word => word,
        });
        let path = filled.collect::<Vec<_>>().join("/");
        let answer = send(bare(Method::GET, &format!("{path}?colour=red"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {:?}", answer.body);
        assert_eq!((answer.error_code(), answer.bad_fields()), (1002, vec!["colour".to_owned()]), "{path}");
    }
}

#[actix_web::test]
async fn the_content_type_must_be_json() {
    let body = r#"{"description":"d"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "é"]
    {
        let request = TestRequest::post()
            .uri("/api/v1/tasks")
            .insert_header(("content-type", content_type.as_bytes()))
            .set_payload(body);
        expect(&send(request).await, 415, 1005);
    }
    expect(&send(TestRequest::post().uri("/api/v1/tasks").set_payload(body)).await, 415, 1005);
    let encoded = post("/api/v1/tasks", &json!({})).insert_header(("content-encoding", "gzip"));
    expect(&send(encoded).await, 415, 1005);
    let cancel = TestRequest::post().uri(&format!("/api/v1/tasks/{TASK}/cancel")).set_payload("{}");
    expect(&send(cancel).await, 415, 1005);
}

#[actix_web::test]
async fn bodies_that_are_no_json_are_1003() {
    for body in [&b""[..], b"{", b"{\"description\":\"\xff\"}", b"not json", b"{\"a\":1}}"] {
        let request = TestRequest::post()
            .uri("/api/v1/tasks")
            .insert_header(("content-type", "application/json"))
            .set_payload(body);
        expect(&send(request).await, 400, 1003);
    }
}

#[actix_web::test]
async fn a_body_over_the_limit_is_413_whatever_is_in_it() {
    for size in [MOST_BODY_BYTES + 1, 100 * MOST_BODY_BYTES] {
        let request = TestRequest::post()
            .uri("/api/v1/tasks")
            .insert_header(("content-type", "application/json"))
            .set_payload("x".repeat(size));
        expect(&send(request).await, 413, 1004);
    }
}

#[actix_web::test]
async fn every_bad_field_of_a_submission_is_named() {
    let body = json!({
        "priority": "urgent", "options": { "tier": "medium" }, "inputs": [{ "artifact_id": 7 }], "colour": "red"
    });
    let answer = send(post("/api/v1/tasks", &body)).await;
    expect(&answer, 400, 1002);
    let fields = ["description", "priority", "options.tier", "inputs[0].artifact_id", "colour"];
    assert_eq!(answer.bad_fields(), fields);
    expect(&send(post("/api/v1/tasks", &json!([1, 2]))).await, 400, 1002);
}

#[actix_web::test]
async fn a_cancellation_has_no_other_field_than_its_reason() {
    let path = format!("/api/v1/tasks/{TASK}/cancel");
    let answer = send(post(&path, &json!({ "reason": 5, "force": true }))).await;
    expect(&answer, 400, 1002);
    assert_eq!(answer.bad_fields(), ["reason", "force"]);
    let answer = send(post(&format!("/api/v1/tasks/{TASK}/retry"), &json!({ "now": true }))).await;
    assert_eq!(answer.bad_fields(), ["now"]);
}

#[actix_web::test]
async fn every_bad_parameter_of_a_list_is_named() {
    for (query, fields) in [
        ("limit=0", vec!["limit"]),
        ("limit=201", vec!["limit"]),
        ("limit=ten", vec!["limit"]),
        ("limit=1&limit=2", vec!["limit"]),
        ("offset=10001", vec!["offset"]),
        ("offset=-1", vec!["offset"]),
        ("cursor=00ff", vec!["cursor"]),
        ("status=pending,odd", vec!["status"]),
        ("status=odd&status=strange", vec!["status", "status"]),
        ("phase=waiting", vec!["phase"]),
        ("tier=medium", vec!["tier"]),
        ("domain=", vec!["domain"]),
        ("tag=", vec!["tag"]),
        ("tag=%00", vec!["tag"]),
        ("created_after=yesterday", vec!["created_after"]),
        ("parent_id=7", vec!["parent_id"]),
        ("project_id=a%20b", vec!["project_id"]),
        ("colour=red", vec!["colour"]),
        ("limit=x&status=odd&colour=red", vec!["status", "limit", "colour"]),
    ] {
        let answer = send(bare(Method::GET, &format!("/api/v1/tasks?{query}"))).await;
        expect(&answer, 400, 1002);
        assert_eq!(answer.bad_fields(), fields, "{query}");
    }
}

#[actix_web::test]
async fn good_parameters_of_a_list_are_taken() {
    for query in [
        "",
        "limit=200&offset=10000",
        "status=pending&status=running,failed&phase=done",
        "tier=tiny&domain=analysis&tag=a%20b&project_id=p",
        "created_after=2024-01-01T00:00:00Z&created_before=2024-01-01T00:00:00%2B02:00",
        "created_after=2024-01-01T00:00:00+02:00",
        &format!("parent_id={TASK}"),
    ] {
        expect(&send(bare(Method::GET, &format!("/api/v1/tasks?{query}"))).await, 503, 5030);
    }
}

#[actix_web::test]
async fn a_list_that_is_held_whole_takes_a_limit_and_an_offset() {
    for path in ["/workers", "/queues", "/tiers", "/projects/p/webhooks", "/projects/p/checkpoints"] {
        let path = format!("/api/v1{path}");
        expect(&send(bare(Method::GET, &format!("{path}?limit=200&offset=10000"))).await, 503, 5030);
        for (query, fields) in [
            ("limit=0&offset=10001", vec!["limit", "offset"]),
            ("limit=201&offset=-1", vec!["limit", "offset"]),
            ("limit=1&cursor=1", vec!["cursor"]),
        ] {
            let answer = send(bare(Method::GET, &format!("{path}?{query}"))).await;
            expect(&answer, 400, 1002);
            assert_eq!(answer.bad_fields(), fields, "{path}?{query}");
        }
    }
}

#[actix_web::test]
async fn a_history_takes_a_limit_and_its_own_cursor() {
    let path = format!("/api/v1/tasks/{TASK}/history");
    let answer = send(bare(Method::GET, &format!("{path}?limit=0&cursor=1&offset=3"))).await;
    expect(&answer, 400, 1002);
    assert_eq!(answer.bad_fields(), ["limit", "cursor", "offset"]);
    expect(&send(bare(Method::GET, &format!("{path}?limit=10"))).await, 503, 5030);
}
