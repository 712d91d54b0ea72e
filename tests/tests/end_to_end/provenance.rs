//! The graph of artifacts, lists of records, costs and verification, as clients ask for them over REST.

use end_to_end::client::TASK_TIME;
use end_to_end::{Client, Outsider, Plan, Role};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::wait_for;
use uuid::Uuid;

/// Publishes the output of work that nobody submitted here, and waits until it is recorded.
async fn record(client: &Client, outsider: &Outsider<'_>, artifact: &str, inputs: &[&str]) -> String {
    let task_id = Uuid::now_v7().to_string();
    let output = json!({
        "task_id": task_id, "attempt": 1, "artifact_id": artifact, "project_id": "graph", "tier": "small",
        "worker_id": "by-hand", "model_used": "model-1", "tokens_input": 100, "tokens_output": 10,
        "output": { "content": "x" }, "inputs_consumed": inputs,
    });
    outsider.tell("task.events", "task.output.created", &output).await;
    client.record_when(&task_id, "pending").await;
    task_id
}

/// `artifact@depth` of every entry of a list.
fn reached(answer: &Value, list: &str) -> Vec<String> {
    let entries = answer[list].as_array().unwrap();
    entries
        .iter()
        .map(|entry| format!("{}@{}", entry["artifact_id"].as_str().unwrap(), entry["depth"]))
        .collect()
}

#[tokio::test]
async fn the_graph_answers_what_was_built_on_what_and_what_that_affects() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    // A diamond and a circle; an id that needs encoding.
    let first = record(&client, &outsider, "docs/a b.md", &["raw"]).await;
    record(&client, &outsider, "b", &["docs/a b.md"]).await;
    record(&client, &outsider, "c", &["docs/a b.md"]).await;
    record(&client, &outsider, "d", &["c", "b"]).await;
    record(&client, &outsider, "x", &["y"]).await;
    record(&client, &outsider, "y", &["x"]).await;
    let start = "/provenance/docs%2Fa%20b.md";

    let answer = client.get(&format!("{start}/dependents")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(reached(&answer.json, "dependents"), ["b@1", "c@1", "d@2"]);
    assert_eq!(
        (&answer.json["artifact_id"], &answer.json["total"], &answer.json["truncated"]),
        (&json!("docs/a b.md"), &json!(3), &json!(false))
    );
    let entry = &answer.json["dependents"][0];
    assert_eq!(entry["relationship"], "consumed");
    assert!(Uuid::parse_str(entry["provenance_id"].as_str().unwrap()).is_ok());
    let direct = client.get(&format!("{start}/dependents?transitive=false")).await.json;
    assert_eq!(
        (reached(&direct, "dependents"), &direct["truncated"]),
        (vec!["b@1".into(), "c@1".into()], &json!(false))
    );
    let shallow = client.get(&format!("{start}/dependents?max_depth=1")).await.json;
    assert_eq!((&shallow["total"], &shallow["truncated"]), (&json!(2), &json!(true)));
    let page = client.get(&format!("{start}/dependents?limit=2")).await.json;
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = client.get(&format!("{start}/dependents?limit=2&cursor={cursor}")).await.json;
    assert_eq!((reached(&page, "dependents"), &page["next_cursor"]), (vec!["d@2".into()], &Value::Null));

    let upstream = client.get("/provenance/d/dependencies").await.json;
    assert_eq!(reached(&upstream, "dependencies"), ["b@1", "c@1", "docs/a b.md@2", "raw@3"]);
    assert_eq!(upstream["dependencies"][3]["provenance_id"], Value::Null);
    let circle = client.get("/provenance/x/dependents").await.json;
    assert_eq!(reached(&circle, "dependents"), ["y@1", "x@2"]);
    assert_eq!(client.get(&format!("/provenance/{first}/dependents")).await.json["total"], 3, "by its task");

    let inputs = json!([{ "artifact_id": "b" }]);
    let using = json!({ "description": "Use b", "project_id": "graph", "inputs": inputs });
    let using = client.submit(&using).await;
    client.submit_text("graph", "Use nothing").await;
    let impact = client.get(&format!("{start}/impact")).await.json;
    assert_eq!(
        impact,
        json!({
            "artifact_id": "docs/a b.md", "direct_dependents": ["b", "c"],
            "transitive_dependents": ["b", "c", "d"], "total_affected": 3, "max_depth": 2,
            "projects": ["graph"], "tasks_in_flight": [using], "truncated": false,
        })
    );

    let cause = client.get("/provenance/d/root-cause").await.json;
    assert_eq!(
        cause,
        json!({ "artifact_id": "d", "root_cause": "d", "immediate_cause": null, "path": ["d"], "depth": 0 })
    );
    let lineage = client.get("/provenance/c/lineage").await.json;
    let nodes: Vec<_> =
        lineage["nodes"].as_array().unwrap().iter().map(|node| &node["artifact_id"]).collect();
    assert_eq!(nodes, ["c", "docs/a b.md", "raw", "d"]);
    assert_eq!(lineage["edges"].as_array().unwrap().len(), 3);
    assert_eq!(lineage["nodes"][0]["taint"]["is_tainted"], false);
}

#[tokio::test]
async fn what_cannot_be_answered_about_provenance_says_why() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    for path in ["dependents", "dependencies", "impact", "root-cause", "lineage"] {
        let answer = client.get(&format!("/provenance/nothing/{path}")).await;
        assert_eq!(
            (answer.status, &answer.json["error_code"]),
            (404, &json!(3102)),
            "{path}: {}",
            answer.text
        );
    }
    assert_eq!(client.get("/provenance/nothing").await.json["error_code"], 3101);
    let long = client.get(&format!("/provenance/{}/impact", "x".repeat(256))).await;
    assert_eq!((long.status, &long.json["error_code"]), (400, &json!(1006)));
    let bad =
        client.get("/provenance/a/dependents?transitive=maybe&max_depth=0&limit=201&cursor=x&depth=1").await;
    assert_eq!(bad.bad_fields(), ["transitive", "max_depth", "limit", "cursor", "depth"], "{}", bad.text);
    let bad =
        client.get("/provenance?status=good&tainted=1&task_id=x&created_after=then&project_id=%2F").await;
    let mut fields = bad.bad_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["created_after", "project_id", "status", "tainted", "task_id"], "{}", bad.text);
    for path in ["summary", "verify"] {
        let answer = client.get(&format!("/projects/unheard-of/provenance/{path}")).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(3001)), "{path}");
        let answer = client.get(&format!("/projects/default/provenance/{path}")).await;
        assert_eq!(answer.status, 200, "a project without records: {}", answer.text);
    }
}

#[tokio::test]
async fn records_are_listed_priced_summed_up_and_verified() {
    let plan = Plan::new()
        .setting(Role::Provenance, "DATS_COSTS__PRICE_VERSION", "list-1")
        .setting(Role::Provenance, "DATS_COSTS__TIERS__SMALL__INPUT", "1000000")
        .setting(Role::Provenance, "DATS_COSTS__TIERS__SMALL__OUTPUT", "2000000");
    let stack = plan.start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let mut tasks = Vec::new();
    for artifact in ["a", "b", "c"] {
        tasks.push(record(&client, &outsider, artifact, &[]).await);
    }
    let rejected = json!({ "task_id": tasks[1], "attempt": 1, "artifact_id": "b", "issues": ["wrong"] });
    outsider.tell("qa.events", "task.rejected", &rejected).await;
    let record = client.record_when(&tasks[1], "failed").await;
    assert_eq!(record["cost"], json!({ "micro_units": 120, "price_version": "list-1" }));
    assert_eq!(record["outputs"][0]["checksum_verified"], true);

    let page = client.get("/provenance?project_id=graph&limit=2").await.json;
    let listed: Vec<_> =
        page["records"].as_array().unwrap().iter().map(|record| &record["task_id"]).collect();
    assert_eq!(listed, [&json!(tasks[2]), &json!(tasks[1])]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = client.get(&format!("/provenance?project_id=graph&limit=2&cursor={cursor}")).await.json;
    assert_eq!((&page["records"][0]["task_id"], &page["next_cursor"]), (&json!(tasks[0]), &Value::Null));
    let failed = client.get("/provenance?status=failed&model_used=model-1&tainted=false").await.json;
    assert_eq!(
        (failed["records"].as_array().unwrap().len(), &failed["records"][0]["id"]),
        (1, &record["id"])
    );

    let summary = client.get("/projects/graph/provenance/summary").await.json;
    let spent =
        |part: &str| (&summary["spend"][part]["records"], &summary["spend"][part]["cost_micro_units"]);
    assert_eq!(spent("total"), (&json!(3), &json!(360)));
    assert_eq!(spent("rejected"), (&json!(1), &json!(120)));
    assert_eq!(spent("tainted"), (&json!(0), &Value::Null));
    assert_eq!(summary["by_tier"]["small"]["total"]["tokens_input"], 300);
    assert_eq!(summary["health"]["recommended_action"], "continue");

    let (mut findings, mut records, mut head, mut cursor) = (0, 0, Value::Null, String::new());
    loop {
        let page = client.get(&format!("/projects/graph/provenance/verify?limit=1{cursor}")).await;
        assert_eq!((page.status, &page.json["intact"]), (200, &json!(true)), "{}", page.text);
        findings += page.json["findings"].as_array().unwrap().len();
        records += page.json["records"].as_u64().unwrap();
        if !page.json["head"].is_null() {
            head = page.json["head"].clone();
        }
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((findings, records, &head["length"]), (0, 3, &json!(4)));

    client.submit_text("graph", "So that the gateway knows the project").await;
    let status = wait_for("the project's spend", TASK_TIME, || async {
        let status = client.get("/projects/graph/status").await.json;
        (!status["spend"].is_null()).then_some(status)
    })
    .await;
    assert_eq!(status["spend"]["total"]["cost_micro_units"], 360);
}

#[tokio::test]
async fn checkpoints_of_a_project_that_only_the_provenance_store_knows_are_made_and_listed() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let path = "/projects/graph/checkpoints";
    for answer in [client.get(path).await, client.post(path, &json!({})).await] {
        assert_eq!((answer.status, &answer.json["error_code"]), (404, &json!(3001)), "{}", answer.text);
    }
    record(&client, &outsider, "a", &[]).await;
    assert_eq!(client.get("/projects/graph").await.status, 404, "nobody submitted anything");
    let listed = client.get(path).await;
    assert_eq!((listed.status, &listed.json["total"]), (200, &json!(0)), "{}", listed.text);
    let made = client.post(path, &json!({ "description": "good" })).await;
    assert_eq!((made.status, &made.json["provenance_count"]), (201, &json!(1)), "{}", made.text);
    let wanted = json!({ "project_id": "elsewhere", "description": "from outside" });
    outsider.tell("cascade.events", "checkpoint.requested", &wanted).await;
    wait_for("a checkpoint of a project without records", test_support::PATIENCE, || async {
        let listed = client.get("/projects/elsewhere/checkpoints").await;
        (listed.json["total"] == 1).then_some(())
    })
    .await;
    assert_eq!(client.get(path).await.json["checkpoints"][0]["checkpoint_id"], made.json["checkpoint_id"]);
}

#[tokio::test]
async fn importing_again_makes_a_project_that_the_gateway_does_not_know_of() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    let body = json!({ "id": "a", "task_id": "t", "project_id": "lost" });
    let line = json!({ "kind": "record", "file": "a.json", "body": body }).to_string();
    for outcome in ["imported", "unchanged"] {
        assert_eq!(client.get("/projects/lost").await.status, 404);
        let import = client.request(Method::POST, "/api/v1/provenance/import");
        let import = import.header("content-type", "application/x-ndjson").body(line.clone());
        let imported = client.send(import).await;
        assert!(imported.text.contains(outcome), "{}", imported.text);
        assert_eq!(client.get("/projects/lost").await.status, 200, "{outcome}");
        // As if the gateway had died before it heard of the project.
        client.send(client.request(Method::DELETE, "/api/v1/projects/lost")).await;
    }
}
