//! The services as processes: how they start, stop, refuse a bad configuration, and what they cost when idle.

use std::process::{Command, Stdio};
use std::time::Duration;

use end_to_end::{Plan, Role, measure};
use futures_util::future::join_all;
use serde_json::json;
use stand_ins::process;
use test_support::{PATIENCE, wait_for};

const ROLES: [Role; 3] = [Role::Gateway, Role::Routing, Role::Provenance];

#[tokio::test]
async fn a_service_that_is_told_to_stop_finishes_its_work_and_exits_with_0() {
    let mut stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let submitter = client.clone();
    let submitting = tokio::spawn(async move {
        let mut accepted = Vec::new();
        let body = json!({ "description": "Write a function", "project_id": "stopping" });
        while let Some(answer) =
            submitter.try_send(submitter.request(reqwest::Method::POST, "/api/v1/tasks").json(&body)).await
        {
            match answer.status {
                201 => accepted.push(answer.json["task_id"].as_str().unwrap().to_owned()),
                503 => return accepted,
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        accepted
    });
    wait_for("some tasks are completed", end_to_end::client::TASK_TIME, || async {
        let answer = client.get("/projects/stopping/status").await;
        (answer.json["by_status"]["completed"].as_u64()? >= 10).then_some(())
    })
    .await;
    let launch = stack.launch_of(Role::Gateway);
    assert_eq!(stack.terminate(Role::Gateway).await, Some(0));
    let accepted = submitting.await.unwrap();
    assert!(accepted.len() >= 10);

    stack.launch(Role::Gateway, launch);
    stack.ready(Role::Gateway).await;
    for task_id in &accepted {
        assert_eq!(client.ended(task_id).await["status"], "completed");
    }
    for role in ROLES {
        assert_eq!(stack.terminate(role).await, Some(0), "{role:?}");
    }
}

#[test]
fn a_bad_setting_is_told_in_one_line_and_exits_with_64() {
    for program in ["api-gateway", "routing-engine", "provenance-store"] {
        for (name, value) in [("DATS_HTTP__PORT", "eighty"), ("DATS_HTTP__COLOUR", "red")] {
            let output = Command::new(process::program(program).unwrap())
                .env_clear()
                .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
                .env(name, value)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(64), "{program} {name}: {said}");
            assert_eq!(said.trim_end().lines().count(), 1, "{program} {name}: {said}");
            let key = name.trim_start_matches("DATS_").replace("__", ".").to_lowercase();
            assert!(said.to_lowercase().contains(&key) || said.contains(name), "{program} {name}: {said}");
        }
    }
}

#[tokio::test]
async fn idle_services_cost_next_to_nothing() {
    let stack = Plan::new().start().await;
    let measured = ROLES.map(|role| {
        let pid = stack.pid(role);
        async move {
            (role, measure::idle_share(pid, Duration::from_secs(3)).await, measure::usage(pid).resident_mib)
        }
    });
    for (role, share, resident) in join_all(measured).await {
        println!("{role:?}: {:.1}% of a core, {resident:.0} MiB resident", share * 100.0);
        // Wider than what the README promises of a release build: this one is not optimised.
        assert!(share < 0.10, "{role:?} uses {share} of a core when idle");
        assert!(resident < 120.0, "{role:?} is {resident} MiB large");
    }
}

#[tokio::test]
async fn every_service_tells_its_health_and_its_metrics() {
    let stack = Plan::new().start().await;
    for role in ROLES {
        let client = stack.client_of(role);
        assert_eq!(client.probe("/livez").await.status, 200, "{role:?}");
        assert_eq!(client.probe("/readyz").await.status, 200, "{role:?}");
        let metrics = client.probe("/metrics").await;
        assert_eq!(metrics.status, 200, "{role:?}");
        assert!(metrics.text.lines().any(|line| line.starts_with("# TYPE ")), "{role:?}: {}", metrics.text);
    }
    let client = stack.client();
    // It takes requests before all that it can do without for a while is there.
    wait_for("the gateway is healthy", PATIENCE, || async {
        let health = client.get("/health").await;
        assert_eq!(health.status, 200, "{}", health.text);
        (health.json["status"] == "healthy").then_some(())
    })
    .await;
    let detailed = client.get("/health/detailed").await;
    for dependency in ["database", "rabbitmq", "routing_engine", "provenance_store"] {
        assert!(!detailed.json["dependencies"][dependency].is_null(), "{dependency}: {}", detailed.text);
    }
    for prefix in ["", "/api/v1"] {
        let document = client.probe(&format!("{prefix}/openapi.json")).await;
        assert!(document.json["paths"].is_object(), "{}", document.text);
        assert_eq!(client.probe(&format!("{prefix}/docs/")).await.status, 200);
    }
}
