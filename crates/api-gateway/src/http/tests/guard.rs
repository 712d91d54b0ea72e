//! Who is let through, where keys are asked for, before anything is looked up. Past the guard there is only a
//! database that is away.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::Value;

use super::app::{bare, send, send_with};
use super::document::{document, operations};
use crate::access::{AuthSettings, RateLimitSettings};

fn with_keys() -> AuthSettings {
    AuthSettings { enabled: true, audit: false, ..AuthSettings::default() }
}

#[actix_web::test]
async fn without_a_key_every_guarded_operation_is_401_and_the_others_are_open() {
    for (method, path, operation) in operations(&document()) {
        let is_guarded = operation["security"].is_array();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = send_with(with_keys(), bare(method.clone(), &path)).await;
        if is_guarded {
            assert_eq!((answer.status.as_u16(), answer.error_code()), (401, 4010), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            for status in ["401", "403", "429", "503"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} tells of no {status}");
            }
        } else {
            assert_ne!(answer.status.as_u16(), 401, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn a_key_is_taken_from_either_header_and_from_the_query_where_browsers_need_that() {
    let task = "0190f3a1-0000-7000-8000-000000000001";
    let tasks = || bare(Method::GET, "/api/v1/tasks");
    let asks = async |request: TestRequest| send_with(with_keys(), request).await.error_code();
    assert_eq!(asks(tasks().insert_header(("X-API-Key", "dats_1"))).await, 5030);
    assert_eq!(asks(tasks().insert_header(("Authorization", "Bearer dats_1"))).await, 5030);
    assert_eq!(asks(tasks().insert_header(("Authorization", "bearer dats_1"))).await, 5030);
    assert_eq!(asks(bare(Method::GET, &format!("/ws/{task}?api_key=dats_1"))).await, 5030);
    assert_eq!(asks(bare(Method::GET, &format!("/api/v1/tasks/{task}/stream?api_key=dats_1"))).await, 5030);
    for refused in ["Basic ZGF0czox", "Bearer", "dats_1"] {
        assert_eq!(asks(tasks().insert_header(("Authorization", refused))).await, 4010, "{refused}");
    }
    assert_eq!(
        asks(bare(Method::GET, "/api/v1/tasks?api_key=dats_1")).await,
        4010,
        "it would end up in logs"
    );
}

#[actix_web::test]
async fn unknown_paths_and_wrong_methods_need_no_key_to_be_told() {
    assert_eq!(send_with(with_keys(), bare(Method::GET, "/nothing")).await.error_code(), 4040);
    assert_eq!(send_with(with_keys(), bare(Method::PUT, "/api/v1/tasks")).await.error_code(), 4050);
    assert_eq!(send_with(with_keys(), bare(Method::OPTIONS, "/api/v1/tasks")).await.status.as_u16(), 204);
}

#[actix_web::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let rate_limit = RateLimitSettings { requests_per_second: Some(0.1), burst: 1 };
    let auth = AuthSettings { rate_limit, ..AuthSettings::default() };
    let answers = super::app::send_all(auth, || bare(Method::GET, "/api/v1/tasks"), 2).await;
    assert_eq!(answers[0].status.as_u16(), 503);
    assert_eq!((answers[1].status.as_u16(), answers[1].error_code()), (429, 4290));
    let wait: u32 = answers[1].header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
}

#[actix_web::test]
async fn the_document_names_the_scope_of_each_operation() {
    assert_eq!(send(bare(Method::GET, "/openapi.json")).await.status.as_u16(), 200);
    let document = document();
    let scope = |path: &str, method: &str| -> Value {
        document["paths"][path][method]["security"][1]["api_key_header"][0].clone()
    };
    assert_eq!(scope("/api/v1/tasks", "get"), "read");
    assert_eq!(scope("/api/v1/tasks", "post"), "write");
    assert_eq!(scope("/api/v1/keys", "post"), "admin");
    assert_eq!(document["components"]["securitySchemes"]["bearer_key"]["scheme"], "bearer");
}
