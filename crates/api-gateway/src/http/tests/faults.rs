//! What goes wrong inside a handler, or in the framework, reaches the client as a problem without internals.

use actix_web::body::to_bytes;
use actix_web::dev::Service;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Json};
use actix_web::{App, HttpResponse};
use serde_json::Value;

use super::app::Answer;
use crate::http::problem::ApiError;
use crate::http::trace;

async fn panics() -> HttpResponse {
    panic!("password=hunter2")
}

async fn fails() -> Result<HttpResponse, ApiError> {
    Err(ApiError::internal("SELECT secret FROM tasks failed on 10.0.0.7"))
}

async fn takes_json(_: Json<Value>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn refuses_in_plain_text() -> HttpResponse {
    HttpResponse::Forbidden().body("no")
}

async fn send(request: TestRequest) -> Answer {
    let app = App::new()
        .route("/panics", web::get().to(panics))
        .route("/fails", web::get().to(fails))
        .route("/takes-json", web::post().to(takes_json))
        .route("/refuses", web::get().to(refuses_in_plain_text))
        .wrap(from_fn(trace::observe));
    let response = match init_service(app).await.call(request.to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let (head, body) = response.into_parts();
    Answer { status: head.status(), headers: head.headers().clone(), body: to_bytes(body).await.unwrap() }
}

#[actix_web::test]
async fn a_panic_or_a_bug_is_500_and_tells_nothing() {
    for path in ["/panics", "/fails"] {
        let answer = send(TestRequest::get().uri(path)).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (500, 5000));
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!["hunter2", "SELECT", "10.0.0.7"].iter().any(|secret| text.contains(secret)), "{text}");
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[actix_web::test]
async fn the_frameworks_own_refusals_become_problems() {
    let json = TestRequest::post().uri("/takes-json").insert_header(("content-type", "application/json"));
    let answer = send(json.set_payload("{")).await;
    assert_eq!((answer.status.as_u16(), answer.error_code()), (400, 1002));
    assert_eq!(send(TestRequest::get().uri("/nothing")).await.error_code(), 4040);
}

#[actix_web::test]
async fn an_answer_in_plain_text_becomes_a_problem_of_its_status() {
    let answer = send(TestRequest::get().uri("/refuses")).await;
    assert_eq!((answer.status.as_u16(), answer.error_code()), (403, 4030));
}
