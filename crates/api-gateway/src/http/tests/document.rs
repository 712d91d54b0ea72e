//! The API's document: it shows exactly the routes there are, its examples are taken, and it can be read offline.

mod examples;

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use protocol::vocabulary::Tier;
use serde_json::Value;

use super::app::{bare, send};
use crate::http::routes::{ALIASES, ROUTES};
use crate::http::words::ConfiguredWords;
use crate::http::{API_PREFIX, openapi, openapi_json};

pub(super) fn document() -> Value {
    serde_json::from_str(&openapi_json("1.2.3").unwrap()).unwrap()
}

/// Every operation with its method and path.
pub(super) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    operations
}

/// A path with its parameters filled in.
fn filled(path: &str) -> String {
    const ID: &str = "0190f3a1-0000-7000-8000-000000000001";
    path.replace("{task_id}", ID)
        .replace("{webhook_id}", ID)
        .replace("{checkpoint_id}", ID)
        .replace("{id}", ID)
        .replace("{project_id}", "default")
        .replace("{review_id}", "r-1")
        .replace("{tier}", "small")
}

#[test]
fn the_document_shows_exactly_the_routes_there_are() {
    let routes = || ROUTES.iter().chain(ALIASES);
    let routed: BTreeSet<_> =
        routes().map(|entry| (entry.method.to_string(), entry.path.to_owned())).collect();
    let documented: BTreeSet<_> =
        operations(&document()).into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(routed, documented);
    assert_eq!(routed.len(), routes().count(), "a route is listed twice");
}

#[test]
fn every_alias_repeats_a_documented_route_with_or_without_the_prefix() {
    for alias in ALIASES {
        let other = alias.other_path();
        let known = ROUTES.iter().any(|entry| entry.method == alias.method && entry.path == other);
        assert!(known, "{} is no alias of anything", alias.path);
    }
}

#[test]
fn operation_ids_are_unique_and_every_answer_is_described() {
    let document = document();
    let operations = operations(&document);
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for (method, path, operation) in &operations {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let headers = answer["headers"].as_object().unwrap();
            assert!(headers.contains_key("X-Trace-Id"), "{method} {path} {status}");
            let is_error = status.starts_with('4') || ["500", "504"].contains(&status.as_str());
            let is_problem = answer["content"].get("application/problem+json").is_some();
            assert!(!is_error || is_problem, "{method} {path} {status}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[actix_web::test]
async fn every_documented_example_is_taken() {
    let mut tried = 0;
    for (method, path, operation) in operations(&document()) {
        let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
        let Some(examples) = examples.as_object() else { continue };
        for (name, example) in examples {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = send(bare(method, &filled(&path)).set_json(&example["value"])).await;
            // Past the edge there is only a database that is away.
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {name}: {:?}", answer.body);
            tried += 1;
        }
    }
    assert!(tried >= 12, "only {tried} examples");
}

#[actix_web::test]
async fn the_document_and_its_page_are_served_with_and_without_prefix() {
    for prefix in ["", API_PREFIX] {
        let json = send(bare(Method::GET, &format!("{prefix}/openapi.json"))).await;
        assert_eq!((json.status, json.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(json.json()["info"]["version"], "1.2.3");

        let redirect = send(bare(Method::GET, &format!("{prefix}/docs"))).await;
        assert_eq!(redirect.status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(redirect.header("location"), "docs/");

        let page = send(bare(Method::GET, &format!("{prefix}/docs/"))).await;
        assert_eq!(page.status, StatusCode::OK);
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(page.contains("swagger-ui"));
        assert!(!page.contains("https://"), "the page must not need the network");

        let start = send(bare(Method::GET, &format!("{prefix}/docs/swagger-initializer.js"))).await;
        assert!(String::from_utf8(start.body.to_vec()).unwrap().contains("../openapi.json"));
        let missing = send(bare(Method::GET, &format!("{prefix}/docs/nothing.js"))).await;
        assert_eq!((missing.status.as_u16(), missing.error_code()), (404, 4040));
    }
}

#[test]
fn request_bodies_are_closed_and_tiers_are_those_of_the_installation() {
    let document = document();
    for name in ["SubmitTaskRequest", "SubmitTaskOptions", "SubmitTaskInput", "CancelTaskRequest"] {
        assert_eq!(document["components"]["schemas"][name]["additionalProperties"], false, "{name}");
    }
    assert_eq!(document["components"]["schemas"]["Metadata"]["additionalProperties"], true);

    let words = ConfiguredWords::new(vec![Tier::Tiny, Tier::Other("huge".to_owned())]);
    let document = openapi::document("1.2.3", &words).unwrap();
    assert_eq!(document["components"]["schemas"]["Tier"]["enum"], serde_json::json!(["tiny", "huge"]));
}
