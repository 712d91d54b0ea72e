//! RAG services that help, help too much, or do not help.

use std::time::Duration;

use protocol::events::{Context, TaskCreated, TaskOptions};
use protocol::vocabulary::Domain;
use protocol::vocabulary::Tier;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, IMPATIENT, has_reason, task};

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/query")).respond_with(answer).mount(&server).await;
    server
}

fn source(id: &str, score: f64, tokens: usize) -> Value {
    json!({"artifact_id": id, "relevance_score": score, "snippet": "word".repeat(tokens)})
}

#[tokio::test]
async fn context_is_asked_for_verified_and_untainted_and_goes_along() {
    let server = MockServer::start().await;
    let expected = json!({"project_id": "shop", "max_tokens": 4000, "search_mode": "hybrid",
        "domain": "documentation", "filters": {"verified_only": true, "exclude_tainted": true}});
    Mock::given(method("POST"))
        .and(path("/query"))
        .and(body_partial_json(expected))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "context": "The README is in English.", "tokens_used": 40,
            "sources": [{"artifact_id": "readme", "provenance_id": "p", "relevance_score": 0.9}]
        })))
        .expect(1)
        .mount(&server)
        .await;
    let ready = Bench::new(None, Some(&server.uri())).ready(&task("Fix a typo in the README.")).await;
    assert_eq!(ready.context.text, "The README is in English.");
    assert_eq!(ready.context.sources[0].artifact_id.as_str(), "readme");
    assert_eq!(ready.context.tokens_used, 40);
    assert!(!ready.routing.fallback);
}

#[tokio::test]
async fn a_task_without_context_is_a_task_all_the_same() {
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_string("oops"),
        ResponseTemplate::new(200).set_body_json(json!({"results": []})),
    ] {
        let server = answering(answer.clone()).await;
        let ready = Bench::new(None, Some(&server.uri())).ready(&task("Fix a typo in the README.")).await;
        assert_eq!(ready.context, Context::default(), "{answer:?}");
        assert!(ready.routing.fallback);
        assert!(
            has_reason(&ready, "no context: the RAG service did not help"),
            "{:?}",
            ready.routing.reasons
        );
    }
}

#[tokio::test]
async fn context_that_comes_too_late_is_not_waited_for() {
    let server = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(20))).await;
    let bench = Bench::with_timeout(IMPATIENT, None, Some(&server.uri()));
    let ready = bench.ready(&task("Fix a typo in the README.")).await;
    assert!(has_reason(&ready, "no context: the RAG service did not help (it took too long)"));
}

/// A task of the tiny tier with about `tokens` tokens of constitution, so that little room is left.
fn nearly_full(tokens: usize) -> TaskCreated {
    TaskCreated {
        constitution: json!({"rules": "word".repeat(tokens)}).as_object().cloned(),
        options: TaskOptions {
            tier: Some(Tier::Tiny),
            domain: Some(Domain::Documentation),
            ..TaskOptions::default()
        },
        ..task("Fix a typo in the README.")
    }
}

#[tokio::test]
async fn a_service_that_gives_too_much_is_cut_to_what_the_tier_can_take() {
    let sources = [source("a", 0.2, 800), source("b", 0.9, 800), source("c", 0.5, 800)];
    let text = "word".repeat(2400);
    let server = answering(
        ResponseTemplate::new(200)
            .set_body_json(json!({"context": text, "sources": sources, "tokens_used": 2400})),
    )
    .await;
    let ready = Bench::new(None, Some(&server.uri())).ready(&nearly_full(18_000)).await;
    let kept: Vec<_> = ready.context.sources.iter().map(|source| source.artifact_id.as_str()).collect();
    assert_eq!(kept, ["b"]);
    assert_eq!(ready.context.text.len(), 3200);
    assert!(ready.routing.estimated_tokens.unwrap() <= 22_000);
    assert!(has_reason(&ready, "context cut from 3 to 1 sources"), "{:?}", ready.routing.reasons);
}

#[tokio::test]
async fn a_tier_without_room_asks_for_no_context() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({"context": "x"}))).await;
    let ready = Bench::new(None, Some(&server.uri())).ready(&nearly_full(19_240)).await;
    assert!(server.received_requests().await.unwrap().is_empty());
    assert!(has_reason(&ready, "no context asked for"), "{:?}", ready.routing.reasons);
}
