//! The `dats` command against running services: what it says, what it exits with, and at a terminal.

mod dats;
mod import;
mod keys;
mod lists;
mod operators;
mod terminal;
mod trust;
mod verify;

use end_to_end::Plan;
use serde_json::json;

use self::dats::Dats;

#[tokio::test]
async fn a_task_is_handed_in_waited_for_and_explained() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let dats = Dats::of(&stack);
    let submitted = dats.run(&["submit", "Write a function", "-p", "shop", "--wait", "-o", "json"]).await;
    assert_eq!(submitted.exit, 0, "{submitted:?}");
    let task = submitted.json();
    assert_eq!((&task["status"], &task["project_id"]), (&json!("completed"), &json!("shop")));
    let task_id = task["task_id"].as_str().unwrap();

    let status = dats.run(&["status", task_id]).await;
    assert!(status.exit == 0 && status.out.contains("completed (done)"), "{status:?}");
    assert!(!status.out.contains('\x1b'), "no colour without a terminal: {status:?}");
    let why = dats.run(&["why", task_id]).await;
    assert!(why.exit == 0 && why.out.contains("Why it went there"), "{why:?}");
    let history = dats.run(&["history", task_id]).await;
    assert!(history.out.contains("task.validated"), "{history:?}");
    let tree = dats.run(&["status", task_id, "--tree"]).await;
    assert!(tree.out.contains(task_id), "{tree:?}");
    let list = dats.run(&["list", "--project", "shop", "--status", "completed", "--json"]).await;
    assert_eq!(list.json()["tasks"][0]["task_id"], task_id);
    let project = dats.run(&["project", "status", "shop"]).await;
    assert!(project.out.contains("completed 1"), "{project:?}");

    let artifact = task["artifacts"][0]["id"].as_str().unwrap();
    stack.client().record_when(artifact, "passed").await;
    let record = dats.run(&["provenance", "show", artifact]).await;
    assert!(record.exit == 0 && record.out.contains(task_id), "{record:?}");
    let retried = dats.run(&["retry", task_id]).await;
    assert_eq!(retried.exit, 1, "{retried:?}");
    assert!(retried.err.contains("dats history"), "the next step is told: {retried:?}");
}

#[tokio::test]
async fn exit_codes_tell_scripts_what_went_wrong() {
    let stack = Plan::gateway_only().start().await;
    let dats = Dats::of(&stack);
    assert_eq!(dats.run(&["--help"]).await.exit, 0);
    assert_eq!(dats.run(&["sumbit", "x"]).await.exit, 2);
    let bad = dats.run(&["submit", "x", "--priority", "urgent", "--tier", "huge"]).await;
    assert_eq!(bad.exit, 2, "{bad:?}");
    assert!(bad.err.contains("priority") && bad.err.contains("options.tier"), "{bad:?}");
    let unknown = dats.run(&["status", "0190f3a1-0000-7000-8000-000000000001"]).await;
    assert_eq!(unknown.exit, 3, "{unknown:?}");
    // Nobody takes the task, so it cannot end in time.
    let late = dats.run(&["submit", "x", "--wait", "--wait-timeout", "1"]).await;
    assert_eq!(late.exit, 4, "{late:?}");
    assert!(late.err.contains("dats status"), "{late:?}");
    let cancelled =
        dats.run(&["list", "--json"]).await.json()["tasks"][0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(dats.run(&["cancel", &cancelled, "--reason", "enough"]).await.exit, 0);
    let ended = dats.run(&["status", &cancelled, "--watch"]).await;
    assert_eq!(ended.exit, 1, "{ended:?}");
    let elsewhere = dats.run(&["--api-url", "http://127.0.0.1:1", "list"]).await;
    assert_eq!(elsewhere.exit, 5, "{elsewhere:?}");
    assert!(elsewhere.err.contains("DATS_API_URL"), "{elsewhere:?}");
}

#[tokio::test]
async fn a_description_comes_from_arguments_a_file_or_standard_input() {
    let stack = Plan::gateway_only().start().await;
    let dats = Dats::of(&stack);
    let file = dats.folder().join("task.txt");
    std::fs::write(&file, "from a file").unwrap();
    let client = stack.client();
    for (arguments, input, expected) in [
        (vec!["submit", "from arguments"], "", "from arguments"),
        (vec!["submit", "--file", file.to_str().unwrap()], "", "from a file"),
        (vec!["submit", "-"], "from standard input", "from standard input"),
        (vec!["submit", "--tag", "a", "--tag", "b"], "also\nso", "also\nso"),
    ] {
        let submitted = dats.run_with_input(&arguments, input).await;
        assert_eq!(submitted.exit, 0, "{submitted:?}");
        assert_eq!(client.task(submitted.out.trim()).await["description"], expected);
    }
    assert_eq!(dats.run_with_input(&["submit"], " \n").await.exit, 2);
}

#[tokio::test]
async fn the_configuration_file_keeps_gateways_and_hides_keys() {
    let stack = Plan::gateway_only().start().await;
    let dats = Dats::without_environment(&stack);
    let url = stack.client().url().to_owned();
    assert_eq!(dats.run(&["config", "set", "test", "--url", &url, "--project", "shop"]).await.exit, 0);
    let with_key = dats.run_with_input(&["config", "set", "test", "--key-from-stdin"], "s3cret\n").await;
    assert_eq!(with_key.exit, 0, "{with_key:?}");
    let shown = dats.run(&["config", "show"]).await;
    assert!(shown.out.contains(&url) && !shown.out.contains("s3cret"), "{shown:?}");
    let task = dats.run(&["submit", "x"]).await;
    assert_eq!(stack.client().task(task.out.trim()).await["project_id"], "shop");
    use std::os::unix::fs::PermissionsExt;
    let path = dats.run(&["config", "path"]).await;
    let mode = std::fs::metadata(path.out.trim()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others can read the file");
    assert_eq!(dats.run(&["--profile", "moon", "list"]).await.exit, 2);
}

#[tokio::test]
async fn projects_and_completions_need_no_other_tool() {
    let stack = Plan::gateway_only().start().await;
    let dats = Dats::of(&stack);
    let created = dats.run(&["project", "create", "My Shop", "--max-concurrent", "3"]).await;
    assert_eq!((created.exit, created.out.trim()), (0, "my-shop"), "{created:?}");
    let config = dats.run(&["project", "config", "my-shop", "--qa-profile", "strict", "--json"]).await;
    assert_eq!(
        (&config.json()["max_concurrent"], &config.json()["qa_profile"]),
        (&json!(3), &json!("strict"))
    );
    let list = dats.run(&["project", "list"]).await;
    assert!(list.out.contains("my-shop") && list.out.contains("default"), "{list:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = dats.run(&["completions", shell]).await;
        assert!(script.exit == 0 && script.out.contains("provenance"), "{shell}");
    }
    assert!(dats.run(&["agents"]).await.out.starts_with("no agents\n"), "and a hint");
}
