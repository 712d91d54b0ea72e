//! Bad requests: the right code, every bad field named, nothing stored, never 500.

use end_to_end::{Answer, Client, Plan};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Checks the whole shape of a problem (RFC 9457 and the members that older clients read).
fn assert_problem(answer: &Answer, status: u16, error_code: u16, case: &str) {
    let problem = &answer.json;
    assert_eq!(
        (answer.status, &problem["error_code"]),
        (status, &json!(error_code)),
        "{case}: {}",
        answer.text
    );
    assert_eq!(answer.header("content-type"), "application/problem+json", "{case}");
    assert_eq!(problem["status"], status, "{case}");
    for member in ["type", "title", "detail", "error_message", "trace_id"] {
        assert!(
            problem[member].as_str().is_some_and(|text| !text.is_empty()),
            "{case}: {member} in {problem}"
        );
    }
    assert_eq!(problem["detail"], problem["error_message"], "{case}");
    assert_eq!(problem["detail"], problem["error"]["message"], "{case}");
    assert!(problem["error"]["code"].is_string(), "{case}: {problem}");
    assert!(problem["error"].as_object().unwrap().contains_key("details"), "{case}: {problem}");
    assert_eq!(answer.header("x-trace-id"), problem["trace_id"], "{case}");
    assert!(Uuid::parse_str(answer.header("x-trace-id")).is_ok(), "{case}");
    assert!(!answer.header("x-request-id").is_empty(), "{case}");
}

async fn assert_nothing_stored(client: &Client) {
    let listed = client.get("/tasks").await;
    assert_eq!((listed.status, &listed.json["total"]), (200, &json!(0)), "{}", listed.text);
}

/// Bodies of `POST /tasks` with the fields that must be named.
fn bad_submissions() -> Vec<(Value, Vec<&'static str>)> {
    let with = |member: &str, value: Value| {
        let mut body = json!({ "description": "x" });
        body[member] = value;
        body
    };
    let option = |member: &str, value: Value| with("options", json!({ member: value }));
    vec![
        (json!({}), vec!["description"]),
        (json!({ "description": null }), vec!["description"]),
        (json!({ "description": "" }), vec!["description"]),
        (json!({ "description": "x".repeat(100_001) }), vec!["description"]),
        (json!({ "description": 7 }), vec!["description"]),
        (json!({ "description": ["x"] }), vec!["description"]),
        (with("project_id", json!("")), vec!["project_id"]),
        (with("project_id", json!("a b")), vec!["project_id"]),
        (with("project_id", json!("p".repeat(256))), vec!["project_id"]),
        (with("project_id", json!({})), vec!["project_id"]),
        (with("priority", json!("urgent")), vec!["priority"]),
        (with("priority", json!(3)), vec!["priority"]),
        (with("mode", json!("alone")), vec!["mode"]),
        (with("options", json!("fast")), vec!["options"]),
        (option("tier", json!("huge")), vec!["options.tier"]),
        (option("domain", json!("cooking")), vec!["options.domain"]),
        (option("qa_profile", json!("lenient")), vec!["options.qa_profile"]),
        (option("decompose", json!("yes")), vec!["options.decompose"]),
        (option("timeout_seconds", json!(0)), vec!["options.timeout_seconds"]),
        (option("timeout_seconds", json!(86_401)), vec!["options.timeout_seconds"]),
        (option("timeout_seconds", json!(-1)), vec!["options.timeout_seconds"]),
        (option("timeout_seconds", json!(1.5)), vec!["options.timeout_seconds"]),
        (option("timeout_seconds", json!(1e300)), vec!["options.timeout_seconds"]),
        (option("max_attempts", json!(21)), vec!["options.max_attempts"]),
        (option("escalate_tier", json!(1)), vec!["options.escalate_tier"]),
        (option("colour", json!("red")), vec!["options.colour"]),
        (
            with("inputs", json!([{ "artifact_id": "a" }, { "artifact_id": "" }])),
            vec!["inputs[1].artifact_id"],
        ),
        (
            with("inputs", json!([{ "artifact_id": "a", "relationship": "owned" }])),
            vec!["inputs[0].relationship"],
        ),
        (with("inputs", json!("a")), vec!["inputs"]),
        (with("depends_on", json!(["not-an-id"])), vec!["depends_on[0]"]),
        (with("not_before", json!("tomorrow")), vec!["not_before"]),
        (with("metadata", json!([])), vec!["metadata"]),
        (with("metadata", json!({ "tags": "one" })), vec!["metadata.tags"]),
        (with("constitution_override", json!("be nice")), vec!["constitution_override"]),
        (with("colour", json!("red")), vec!["colour"]),
        (
            json!({ "descripton": "x", "priority": "urgent", "options": { "tier": "huge", "max_attempts": 0 } }),
            vec!["description", "descripton", "options.max_attempts", "options.tier", "priority"],
        ),
    ]
}

#[tokio::test]
async fn every_bad_field_of_a_submission_is_named_and_nothing_is_stored() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    for (body, expected) in bad_submissions() {
        let answer = client.post("/tasks", &body).await;
        let case: String = body.to_string().chars().take(120).collect();
        assert_problem(&answer, 400, 1002, &case);
        let mut named = answer.bad_fields();
        named.sort_unstable();
        assert_eq!(named, expected, "{case}");
    }
    let unknown = Uuid::now_v7().to_string();
    let answer = client.post("/tasks", &json!({ "description": "x", "depends_on": [unknown] })).await;
    assert_problem(&answer, 400, 1002, "unknown dependency");
    assert!(answer.text.contains(&unknown), "{}", answer.text);
    assert_nothing_stored(&client).await;
}

#[tokio::test]
async fn bodies_that_are_not_a_json_object_are_refused_by_kind() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let too_large = format!("{{\"description\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes();
    let deep = format!(
        "{{\"description\":\"x\",\"metadata\":{}{}}}",
        "{\"a\":".repeat(5_000),
        "1".to_owned() + &"}".repeat(5_000)
    );
    let json_type = Some("application/json");
    let cases: [(_, _, Vec<u8>, _, _); 13] = [
        ("no body", json_type, Vec::new(), 400, 1003),
        ("broken off", json_type, b"{\"description\":".to_vec(), 400, 1003),
        ("not JSON", json_type, b"description=x".to_vec(), 400, 1003),
        ("invalid UTF-8", json_type, b"{\"description\":\"\xff\xfe\"}".to_vec(), 400, 1003),
        ("two documents", json_type, b"{\"description\":\"x\"}{}".to_vec(), 400, 1003),
        ("an array", json_type, b"[{\"description\":\"x\"}]".to_vec(), 400, 1002),
        ("a text", json_type, b"\"x\"".to_vec(), 400, 1002),
        ("null", json_type, b"null".to_vec(), 400, 1002),
        ("deep", json_type, deep.into_bytes(), 400, 1002),
        ("too large", json_type, too_large, 413, 1004),
        ("text/plain", Some("text/plain"), b"{\"description\":\"x\"}".to_vec(), 415, 1005),
        ("form", Some("application/x-www-form-urlencoded"), b"description=x".to_vec(), 415, 1005),
        ("no content type", None, b"{\"description\":\"x\"}".to_vec(), 415, 1005),
    ];
    for (case, content_type, body, status, error_code) in cases {
        let mut request = client.request(Method::POST, "/api/v1/tasks").body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        assert_problem(&client.send(request).await, status, error_code, case);
    }
    // A text that holds what a database cannot keep is the client's fault, not ours.
    let answer = client.post("/tasks", &json!({ "description": "a\u{0}b" })).await;
    assert_problem(&answer, 400, 1002, "NUL");
    assert_nothing_stored(&client).await;
}

#[tokio::test]
async fn wrong_ids_paths_methods_and_parameters_are_told_apart() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    let unknown = Uuid::now_v7();
    let cases = [
        (Method::GET, "/api/v1/tasks/not-an-id".to_owned(), 400, 1006),
        (Method::GET, "/api/v1/tasks/%FF".to_owned(), 400, 1006),
        (Method::GET, format!("/api/v1/tasks/{unknown}"), 404, 2001),
        (Method::GET, format!("/api/v1/tasks/{unknown}/history"), 404, 2001),
        (Method::GET, "/api/v1/tasks/1/history".to_owned(), 400, 1006),
        (Method::POST, format!("/api/v1/tasks/{unknown}/cancel"), 404, 2001),
        (Method::POST, "/api/v1/tasks/..%2F..%2Fetc/cancel".to_owned(), 400, 1006),
        (Method::GET, "/api/v1/projects/nobody-knows/status".to_owned(), 404, 3001),
        (Method::GET, "/api/v1/provenance/nobody-knows".to_owned(), 404, 3101),
        (Method::GET, format!("/api/v1/provenance/{unknown}"), 404, 3101),
        (Method::GET, "/api/v1/nowhere".to_owned(), 404, 4040),
        (Method::GET, "/nowhere".to_owned(), 404, 4040),
        (Method::PUT, "/api/v1/tasks".to_owned(), 405, 4050),
        (Method::DELETE, format!("/api/v1/tasks/{unknown}"), 405, 4050),
        (Method::POST, "/readyz".to_owned(), 405, 4050),
        (Method::GET, "/api/v1/tasks?limit=0".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?limit=201".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?offset=10001".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?limit=many".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?cursor=%00".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?status=lost".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?created_after=yesterday".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/tasks?parent_id=x".to_owned(), 400, 1002),
        // Places that a list can never be at, well sealed.
        (
            Method::GET,
            "/api/v1/provenance?cursor=106f05b59d3b2000000000000000000005fe71ba83".to_owned(),
            400,
            1002,
        ),
        (Method::GET, format!("/api/v1/tasks/{unknown}?colour=red"), 400, 1002),
        (Method::GET, format!("/api/v1/provenance/{unknown}?colour=red"), 400, 1002),
        (Method::GET, "/api/v1/provenance/nobody-knows/root-cause?colour=red".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/projects/default/provenance/summary?colour=red".to_owned(), 400, 1002),
        (Method::GET, "/api/v1/projects/default/provenance/export?colour=red".to_owned(), 400, 1002),
    ];
    for (method, path, status, error_code) in cases {
        let case = format!("{method} {path}");
        let answer = client.send(client.request(method, &path)).await;
        assert_problem(&answer, status, error_code, &case);
        if status == 405 {
            assert!(!answer.header("allow").is_empty(), "{case}: no Allow");
        }
    }
    let answer = client.get("/tasks?status=lost&limit=0").await;
    let mut named = answer.bad_fields();
    named.sort_unstable();
    assert_eq!(named, ["limit", "status"]);
    let answer = client.get("/provenance?cursor=106f05b59d3b2000000000000000000005fe71ba83").await;
    assert_eq!(answer.bad_fields(), ["cursor"]);
    assert_eq!(client.get("/projects/default/provenance/summary?colour=red").await.bad_fields(), ["colour"]);
    assert_nothing_stored(&client).await;
}

#[tokio::test]
async fn trace_and_request_ids_are_taken_from_the_client_or_made() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let trace_id = Uuid::new_v4();
    let request = client
        .request(Method::GET, "/api/v1/tasks/1")
        .header("traceparent", format!("00-{}-00f067aa0ba902b7-01", trace_id.simple()))
        .header("x-request-id", "my-request");
    let answer = client.send(request).await;
    assert_eq!(
        (answer.header("x-trace-id"), answer.header("x-request-id")),
        (trace_id.to_string().as_str(), "my-request")
    );
    let broken = client.request(Method::GET, "/api/v1/tasks").header("traceparent", "00-zz-1-01");
    let answer = client.send(broken).await;
    let made = Uuid::parse_str(answer.header("x-trace-id")).unwrap();
    assert!(!made.is_nil());
    assert!(!answer.header("x-request-id").is_empty());
}
