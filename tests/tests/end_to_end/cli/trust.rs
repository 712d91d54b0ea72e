//! What work cost, what it was built on, and what happens when it turns out wrong: asked and done from the command.

use end_to_end::client::TASK_TIME;
use end_to_end::{Plan, Role};
use serde_json::Value;
use test_support::wait_for;

use super::dats::Dats;

/// A plan with a price for every tier: a unit for a token.
fn priced() -> Plan {
    let plan = Plan::new().setting(Role::Provenance, "DATS_COSTS__PRICE_VERSION", "test");
    ["TINY", "SMALL", "LARGE", "FRONTIER"].into_iter().fold(plan, |plan, tier| {
        ["INPUT", "OUTPUT"].into_iter().fold(plan, |plan, direction| {
            plan.setting(
                Role::Provenance,
                &format!("DATS_COSTS__TIERS__{tier}__{direction}"),
                "1000000000000",
            )
        })
    })
}

/// Hands in a task and waits for it; its id and its artifact.
async fn completed(dats: &Dats, arguments: &[&str]) -> (String, String) {
    let given = [["submit", "-p", "shop", "--wait", "--json"].as_slice(), arguments].concat();
    let task: Value = serde_json::from_str(&dats.tells(&given).await).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&task["task_id"]), text(&task["artifacts"][0]["id"]))
}

#[tokio::test]
async fn cost_lineage_taint_and_rollback_are_seen_and_done_from_the_command() {
    let stack = priced().start().await;
    let _stand_ins = stack.stand_ins();
    let (dats, client) = (Dats::of(&stack), stack.client());
    let (first_task, first) = completed(&dats, &["Write a price list"]).await;
    client.record_when(&first, "passed").await;
    let checkpoint = dats.tells(&["checkpoint", "create", "-p", "shop", "good so far"]).await;
    let checkpoint = checkpoint.trim();
    let (second_task, second) = completed(&dats, &["Write a shop", "--after", &first_task]).await;
    client.record_when(&second, "passed").await;

    see_what_it_cost(&dats, &stack, &first_task, &first).await;
    see_what_it_was_built_on(&dats, &first, &second).await;

    let tainted =
        dats.tells(&["taint", &first, "--reason", "prices of last year", "--severity", "high"]).await;
    assert!(tainted.contains("dats clear"), "{tainted}");
    client.record_when(&second, "suspect").await;
    let shown = dats.tells(&["provenance", "show", &second]).await;
    assert!(shown.contains(&format!("suspect, because of {first}")), "{shown}");
    let cause = dats.tells(&["provenance", "root-cause", &second]).await;
    assert!(cause.contains(&format!("It began at {first}")), "{cause}");
    let held = dats.tells(&["submit", "Write an advert", "-p", "shop", "--input", &first]).await;
    let held = held.trim();
    client.in_phase(held, "blocked").await;
    let why = dats.tells(&["why", held]).await;
    assert!(why.contains("an input that was found wrong") && why.contains("dats release"), "{why}");
    dats.tells(&["release", held, "--reason", "it will do"]).await;
    client.ended(held).await;
    client.record_when(held, "suspect").await;
    let cleared = dats.tells(&["clear", &first, "--reason", "they are right"]).await;
    assert!(cleared.contains("cleared"), "{cleared}");
    client.record_when(&second, "passed").await;

    let listed = dats.tells(&["checkpoint", "list", "-p", "shop"]).await;
    assert!(listed.contains(checkpoint) && listed.contains("good so far"), "{listed}");
    let trial = dats.tells(&["rollback", checkpoint, "--dry-run"]).await;
    assert!(trial.contains("2 would be invalidated") && trial.contains(&second_task), "{trial}");
    assert_eq!(client.task(&second_task).await["attempt"], 1, "a dry run changes nothing");
    let done = dats.tells(&["rollback", checkpoint, "--reason", "wrong turn"]).await;
    assert!(done.contains("2 invalidated"), "{done}");
    let is_done_again = |task: &Value| task["attempt"] == 2 && task["status"] == "completed";
    client.task_when(&second_task, "done again", TASK_TIME, is_done_again).await;
    let unknown = dats.run(&["rollback", "0190f3a1-0000-7000-8000-000000000001"]).await;
    assert!(unknown.exit == 3 && unknown.err.contains("dats checkpoint list"), "{unknown:?}");
    let project = dats.tells(&["project", "status", "shop"]).await;
    assert!(project.contains("of it for work that was rejected or found wrong"), "{project}");
}

async fn see_what_it_cost(dats: &Dats, stack: &end_to_end::Stack, task: &str, artifact: &str) {
    let record = dats.run(&["provenance", "show", artifact, "--json"]).await.json();
    let tokens = record["tokens_input"].as_u64().unwrap() + record["tokens_output"].as_u64().unwrap();
    assert_eq!(record["cost"]["micro_units"], tokens * 1_000_000, "{record:#}");
    let shown = dats.tells(&["provenance", "show", artifact]).await;
    assert!(shown.contains(&format!("{tokens}.00 (prices test)")), "{shown}");
    let listed = dats.tells(&["provenance", "list", "-p", "shop", "--status", "passed"]).await;
    let line = listed.lines().find(|line| line.contains(artifact)).unwrap();
    assert!(
        line.contains(record["id"].as_str().unwrap()) && line.contains(&format!("{tokens}.00")),
        "{listed}"
    );
    let summary = dats.tells(&["provenance", "summary", "-p", "shop"]).await;
    let tier = record["tier"].as_str().unwrap();
    assert!(summary.lines().any(|line| line.starts_with(tier)), "{summary}");
    let status = dats.tells(&["status", task]).await;
    assert!(
        status.lines().any(|line| line.starts_with("cost") && line.contains(&format!("{tokens}.00"))),
        "{status}"
    );
    let metrics = stack.client_of(Role::Provenance).probe("/metrics").await.text;
    assert!(metrics.contains("dats_provenance_cost_micro_units_total{tier="), "{metrics}");
    let counted = wait_for("tokens are counted", TASK_TIME, || async {
        let metrics = stack.client().probe("/metrics").await.text;
        metrics.contains("dats_task_tokens_total{").then_some(metrics)
    });
    assert!(counted.await.contains("direction=\"input\""));
}

async fn see_what_it_was_built_on(dats: &Dats, first: &str, second: &str) {
    let lineage = dats.tells(&["provenance", "lineage", second]).await;
    assert!(lineage.contains(first) && lineage.contains("consumed"), "{lineage}");
    let impact = dats.tells(&["provenance", "impact", first]).await;
    assert!(impact.contains(second) && impact.starts_with("1 artifact was built on"), "{impact}");
    let cause = dats.tells(&["provenance", "root-cause", second]).await;
    assert!(cause.contains("Nothing that it was built on is tainted"), "{cause}");
    let verified = dats.tells(&["provenance", "verify", "-p", "shop"]).await;
    assert!(verified.contains("intact"), "{verified}");
    let exported = dats.run(&["provenance", "export", second, "--format", "json"]).await;
    assert_eq!(exported.json()["artifact_id"], second);
    let unknown = dats.run(&["provenance", "show", "nothing"]).await;
    assert!(unknown.exit == 3 && unknown.err.contains("task id"), "{unknown:?}");
}
