//! Agent Services that answer well, badly, late or not at all.

use std::time::Duration;

use protocol::events::{Analyzer, Feedback, FeedbackSource, TaskCreated, TaskOptions};
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, IMPATIENT, has_reason, task};

async fn answering(server: &MockServer, endpoint: &str, answer: Value) {
    answering_with(server, endpoint, ResponseTemplate::new(200).set_body_json(answer)).await;
}

async fn answering_with(server: &MockServer, endpoint: &str, answer: ResponseTemplate) {
    Mock::given(method("POST")).and(path(endpoint)).respond_with(answer).mount(server).await;
}

async fn asked(server: &MockServer, endpoint: &str) -> usize {
    server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == endpoint).count()
}

fn analysis() -> Value {
    json!({"mode": "modify", "domain": "code-vision", "needs_decomposition": false,
        "estimated_complexity": "medium", "qa_profile": "adversarial"})
}

fn estimate() -> Value {
    json!({"recommended_tier": "large", "estimated_tokens": 9000, "confidence": 0.8, "qa_profile": "testing"})
}

fn documentation_task() -> TaskCreated {
    task("Fix a typo in the README.")
}

#[tokio::test]
async fn what_the_service_says_beats_the_rules() {
    let server = MockServer::start().await;
    answering(&server, "/analyze", analysis()).await;
    Mock::given(method("POST"))
        .and(path("/estimate"))
        .and(body_partial_json(json!({"domain": "code-vision"})))
        .respond_with(ResponseTemplate::new(200).set_body_json(estimate()))
        .mount(&server)
        .await;
    let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
    assert_eq!((ready.domain.clone(), ready.tier.clone()), (Domain::CodeVision, Tier::Large));
    assert_eq!((ready.mode.clone(), ready.qa_profile.clone()), (WorkMode::Modify, QaProfile::Adversarial));
    assert_eq!(ready.routing.analyzer, Analyzer::AgentService);
    assert_eq!(ready.routing.estimated_tokens, Some(9000));
    assert_eq!(ready.routing.confidence, Some(0.8));
    assert!(!ready.routing.fallback, "{:?}", ready.routing);
    assert_eq!(ready.model_candidates[0], "openai/gpt-oss-20b");
}

#[tokio::test]
async fn a_service_that_is_gone_is_replaced_by_the_rules() {
    let ready = Bench::new(Some("http://127.0.0.1:1"), None).ready(&documentation_task()).await;
    assert_eq!((ready.domain.clone(), ready.tier.clone()), (Domain::Documentation, Tier::Tiny));
    assert_eq!(ready.routing.analyzer, Analyzer::Rules);
    assert!(ready.routing.fallback);
    assert!(has_reason(&ready, "it could not be reached"), "{:?}", ready.routing.reasons);
    assert!(
        !ready.routing.reasons.iter().any(|reason| reason.contains("127.0.0.1")),
        "no addresses for users"
    );
}

#[tokio::test]
async fn without_a_service_the_rules_decide_and_that_is_no_fallback() {
    let ready = Bench::new(None, None).ready(&documentation_task()).await;
    assert_eq!(ready.routing.analyzer, Analyzer::Rules);
    assert!(!ready.routing.fallback);
    assert!(has_reason(&ready, "no Agent Service is configured"));
}

#[tokio::test]
async fn answers_that_are_none_are_replaced_by_the_rules() {
    let garbage = [
        ResponseTemplate::new(200).set_body_string("<html>bad gateway</html>"),
        ResponseTemplate::new(200).set_body_string(""),
        ResponseTemplate::new(200).set_body_json(json!([1, 2])),
        ResponseTemplate::new(200).set_body_json(json!({"detail": "model not loaded"})),
        ResponseTemplate::new(200).set_body_bytes(vec![0xff; 16]),
        ResponseTemplate::new(200).set_body_string("x".repeat(100_000)),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
    ];
    for answer in garbage {
        let server = MockServer::start().await;
        answering_with(&server, "/analyze", answer.clone()).await;
        let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
        assert_eq!(ready.routing.analyzer, Analyzer::Rules, "{answer:?}");
        assert!(ready.routing.fallback);
        assert_eq!(
            asked(&server, "/analyze").await,
            1,
            "an answer that makes no sense is not asked for again"
        );
    }
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_a_refusal_is_not() {
    for (status, tries) in [(500, 2), (503, 2), (400, 1), (404, 1), (429, 1)] {
        let server = MockServer::start().await;
        answering_with(&server, "/analyze", ResponseTemplate::new(status)).await;
        let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
        assert_eq!(asked(&server, "/analyze").await, tries, "status {status}");
        assert!(has_reason(&ready, &status.to_string()), "{:?}", ready.routing.reasons);
    }
}

#[tokio::test]
async fn an_error_that_passes_costs_nothing() {
    let server = MockServer::start().await;
    Mock::given(path("/analyze"))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answering(&server, "/analyze", analysis()).await;
    answering(&server, "/estimate", estimate()).await;
    let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
    assert_eq!(ready.routing.analyzer, Analyzer::AgentService);
    assert!(!ready.routing.fallback);
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_asked_once() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_json(analysis()).set_delay(Duration::from_secs(20));
    answering_with(&server, "/analyze", late).await;
    let bench = Bench::with_timeout(IMPATIENT, Some(&server.uri()), None);
    let ready = bench.ready(&documentation_task()).await;
    assert!(has_reason(&ready, "it took too long"), "{:?}", ready.routing.reasons);
    assert_eq!(asked(&server, "/analyze").await, 1);
}

#[tokio::test]
async fn a_task_does_not_wait_longer_than_a_quarter_of_its_time() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_json(analysis()).set_delay(Duration::from_secs(20));
    answering_with(&server, "/analyze", late).await;
    let bench = Bench::new(Some(&server.uri()), None);
    let in_200_ms = crate::support::noon() + chrono::TimeDelta::milliseconds(200);
    let hurried = TaskCreated { deadline_at: Some(in_200_ms.into()), ..documentation_task() };
    let ready = bench.ready(&hurried).await;
    assert!(has_reason(&ready, "no answer within 0.05 s"), "{:?}", ready.routing.reasons);
}

#[tokio::test]
async fn after_failures_in_a_row_the_service_is_left_alone_until_it_has_rested() {
    let server = MockServer::start().await;
    let failing =
        Mock::given(path("/analyze")).respond_with(ResponseTemplate::new(500)).mount_as_scoped(&server).await;
    let bench = Bench::new(Some(&server.uri()), None);
    for _ in 0..3 {
        bench.ready(&documentation_task()).await;
    }
    let so_far = failing.received_requests().await.len();
    let ready = bench.ready(&documentation_task()).await;
    assert!(has_reason(&ready, "left alone"), "{:?}", ready.routing.reasons);
    assert_eq!(failing.received_requests().await.len(), so_far, "nothing is asked while it rests");

    drop(failing);
    answering(&server, "/analyze", analysis()).await;
    answering(&server, "/estimate", estimate()).await;
    bench.clock.advance(Duration::from_secs(30));
    let ready = bench.ready(&documentation_task()).await;
    assert_eq!(ready.routing.analyzer, Analyzer::AgentService, "{:?}", ready.routing.reasons);
}

#[tokio::test]
async fn an_estimate_that_does_not_come_is_made_by_the_rules() {
    let server = MockServer::start().await;
    answering(&server, "/analyze", analysis()).await;
    answering_with(&server, "/estimate", ResponseTemplate::new(404)).await;
    let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
    assert_eq!(ready.domain, Domain::CodeVision);
    assert_eq!(ready.tier, Tier::Small, "the analysed complexity is medium");
    assert!(ready.routing.fallback);
    assert!(has_reason(&ready, "no estimate from the Agent Service"));
}

#[tokio::test]
async fn unknown_words_are_kept_as_text_and_routed_by_the_fallback() {
    let server = MockServer::start().await;
    let analysis = json!({"mode": "transmogrify", "domain": "code-quantum", "qa_profile": "oracle",
        "needs_decomposition": false, "estimated_complexity": "unfathomable"});
    answering(&server, "/analyze", analysis).await;
    answering(&server, "/estimate", json!({"recommended_tier": "galactic", "estimated_tokens": 500})).await;
    let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
    assert_eq!(ready.domain.as_str(), "code-quantum");
    assert_eq!(ready.mode.as_str(), "transmogrify");
    assert_eq!(ready.qa_profile.as_str(), "oracle");
    assert_eq!(ready.tier, Tier::Tiny, "what the rules propose");
    assert!(ready.routing.fallback);
    for word in ["code-quantum", "galactic", "transmogrify", "oracle"] {
        assert!(has_reason(&ready, word), "{word} in {:?}", ready.routing.reasons);
    }
}

#[tokio::test]
async fn a_complexity_given_for_a_tier_is_taken_for_the_tier_it_means() {
    let server = MockServer::start().await;
    answering(&server, "/analyze", analysis()).await;
    answering(&server, "/estimate", json!({"recommended_tier": "medium", "estimated_tokens": 500})).await;
    let ready = Bench::new(Some(&server.uri()), None).ready(&documentation_task()).await;
    assert_eq!(ready.tier, Tier::Small);
    assert!(has_reason(&ready, "recommends \"medium\", taken for tier small"));
}

#[tokio::test]
async fn a_pinned_task_asks_nobody() {
    let server = MockServer::start().await;
    let options =
        TaskOptions { tier: Some(Tier::Large), domain: Some(Domain::Analysis), ..TaskOptions::default() };
    let pinned = TaskCreated { options, minimum_tier: Some(Tier::Frontier), ..documentation_task() };
    let ready = Bench::new(Some(&server.uri()), None).ready(&pinned).await;
    assert_eq!((ready.tier, ready.domain), (Tier::Large, Domain::Analysis));
    assert_eq!(ready.routing.analyzer, Analyzer::Pinned);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_earlier_attempts_taught_and_what_the_worker_must_obey_goes_along() {
    let feedback = Feedback {
        attempt: 1,
        source: FeedbackSource::Qa,
        message: "no tests".to_owned(),
        issues: vec![json!({"line": 3})],
    };
    let constitution = json!({"language": "plain"}).as_object().cloned();
    let second = TaskCreated {
        attempt: 2,
        feedback: vec![feedback.clone()],
        constitution: constitution.clone(),
        minimum_tier: Some(Tier::Large),
        ..documentation_task()
    };
    let ready = Bench::new(None, None).ready(&second).await;
    assert_eq!((ready.attempt, ready.feedback, ready.constitution), (2, vec![feedback], constitution));
    assert_eq!(ready.tier, Tier::Large);
}

#[tokio::test]
async fn a_task_that_no_tier_holds_fails_for_good() {
    let constitution = json!({"text": "x".repeat(600_000)}).as_object().cloned();
    let huge = TaskCreated { constitution, ..documentation_task() };
    match Bench::new(None, None).lane.route(&huge).await {
        protocol::EventData::TaskRoutingFailed(failed) => {
            assert_eq!(failed.error.code, "CONTEXT_TOO_LARGE");
            assert!(!failed.error.retryable);
            assert!(failed.error.message.contains("140000"), "{}", failed.error.message);
        }
        other => panic!("expected task.routing.failed, got {other:?}"),
    }
}

#[tokio::test]
async fn a_task_is_given_back_that_would_go_to_a_paused_tier_and_others_go_their_way() {
    let bench = Bench::new(None, None);
    let free = bench.ready(&documentation_task()).await.tier;
    let others: Vec<Tier> = Tier::STANDARD.into_iter().filter(|tier| *tier != free).collect();
    let task = TaskCreated { paused_tiers: others, ..documentation_task() };
    assert_eq!(bench.ready(&task).await.tier, free);

    let task = TaskCreated { paused_tiers: vec![free.clone()], attempt: 2, ..documentation_task() };
    match bench.lane.route(&task).await {
        protocol::EventData::TaskRoutingFailed(failed) => {
            assert_eq!((failed.paused_tier, failed.attempt), (Some(free), 2));
            assert_eq!((failed.error.code.as_str(), failed.error.retryable), ("TIER_PAUSED", true));
        }
        other => panic!("expected task.routing.failed, got {other:?}"),
    }
}

fn divisible() -> TaskCreated {
    TaskCreated {
        options: TaskOptions { decompose: true, ..TaskOptions::default() },
        ..task("Build a shop:\n1. Design the schema\n2. Write the API\n")
    }
}

#[tokio::test]
async fn a_plan_of_the_service_is_handed_on_as_it_came() {
    let server = MockServer::start().await;
    let mut analysis = analysis();
    analysis["needs_decomposition"] = json!(true);
    answering(&server, "/analyze", analysis).await;
    answering(&server, "/estimate", estimate()).await;
    let plan = json!({"subtasks": [
        {"id": "a", "description": "one", "is_atomic": true, "dependencies": ["b"]},
        {"id": "b", "description": "two", "is_atomic": true, "dependencies": ["a"]}], "decomposition_depth": 1});
    answering(&server, "/decompose", plan).await;
    let decomposed = Bench::new(Some(&server.uri()), None).decomposed(&divisible()).await;
    let dependencies: Vec<_> =
        decomposed.subtasks.iter().flat_map(|part| part.dependencies.iter().map(String::as_str)).collect();
    assert_eq!(dependencies, ["b", "a"], "whether it is sound is judged by whoever runs it");
    assert_eq!(decomposed.routing.unwrap().analyzer, Analyzer::AgentService);
}

#[tokio::test]
async fn a_service_that_cannot_split_is_replaced_by_the_list_in_the_description() {
    let server = MockServer::start().await;
    let mut analysis = analysis();
    analysis["needs_decomposition"] = json!(true);
    answering(&server, "/analyze", analysis).await;
    answering(&server, "/estimate", estimate()).await;
    answering(&server, "/decompose", json!({"subtasks": "none"})).await;
    let decomposed = Bench::new(Some(&server.uri()), None).decomposed(&divisible()).await;
    assert_eq!(decomposed.subtasks.len(), 2);
    assert_eq!(decomposed.subtasks[1].dependencies, ["part-1"]);
    assert!(decomposed.routing.unwrap().fallback);
}

#[tokio::test]
async fn only_what_allows_it_is_split_and_what_is_not_says_why() {
    let bench = Bench::new(None, None);
    bench.decomposed(&divisible()).await;
    let whole = TaskCreated { options: TaskOptions::default(), ..divisible() };
    assert!(!has_reason(&bench.ready(&whole).await, "not split"));
    let prose = TaskCreated { description: "Build a shop".to_owned(), ..divisible() };
    assert!(has_reason(&bench.ready(&prose).await, "not split: the analysis finds no parts in it"));
}

#[tokio::test]
async fn a_part_that_is_not_atomic_is_split_further() {
    let part = TaskCreated { parent_id: Some(protocol::TaskId::generate()), ..divisible() };
    assert_eq!(Bench::new(None, None).decomposed(&part).await.subtasks.len(), 2);
}

#[tokio::test]
async fn a_list_of_any_length_is_handed_on_as_a_plan() {
    let long: String = (1..=25).map(|number| format!("- step {number}\n")).collect();
    let plan = Bench::new(None, None).decomposed(&TaskCreated { description: long, ..divisible() }).await;
    assert_eq!(plan.subtasks.len(), 25, "how many there may be is judged by whoever runs them");
}

#[tokio::test]
async fn slow_answers_for_some_do_not_block_what_asks_nobody() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_json(analysis()).set_delay(Duration::from_secs(20));
    answering_with(&server, "/analyze", late).await;
    let bench = Bench::new(Some(&server.uri()), None);
    let waiting: Vec<_> = (0..8).map(|_| documentation_task()).collect();
    let slow = futures_util::future::join_all(waiting.iter().map(|task| bench.ready(task)));
    let options =
        TaskOptions { tier: Some(Tier::Tiny), domain: Some(Domain::Analysis), ..TaskOptions::default() };
    let pinned = TaskCreated { options, ..documentation_task() };
    tokio::pin!(slow);
    tokio::select! {
        biased;
        _ = &mut slow => panic!("the slow ones were first"),
        ready = async { bench.ready(&pinned).await } => assert_eq!(ready.tier, Tier::Tiny),
    }
}
