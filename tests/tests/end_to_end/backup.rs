//! Backup and restore with the scripts that operators use: dump while it runs, lose everything, put it back.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use end_to_end::{Client, Plan, Role, Stack};
use serde_json::Value;
use test_support::wait_for;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/backup").join(name)
}

async fn run(name: &str, stack: &Stack, folder: &Path) -> Output {
    tokio::process::Command::new(script(name))
        .arg(folder)
        .env("GATEWAY_DATABASE_URL", stack.database_url(Role::Gateway))
        .env("PROVENANCE_DATABASE_URL", stack.database_url(Role::Provenance))
        .output()
        .await
        .expect("the script runs")
}

/// What must not be lost of a task.
struct Known {
    task: Value,
    history: Vec<Value>,
    record: Value,
}

async fn known(client: &Client, task_id: &str) -> Known {
    let task = client.task(task_id).await;
    let told = [
        "task_id",
        "description",
        "status",
        "attempt",
        "created_at",
        "completed_at",
        "outputs",
        "provenance_id",
    ];
    let task = told.map(|name| (name.to_owned(), task[name].clone())).into_iter().collect();
    let whole = client.record_when(task_id, "passed").await;
    let told = ["id", "task_id", "outputs", "inputs_consumed", "worker_id"];
    let record = told.map(|name| (name.to_owned(), whole[name].clone())).into_iter().collect();
    Known { task, history: client.history(task_id).await, record }
}

#[tokio::test]
async fn what_was_dumped_is_back_after_everything_was_lost_and_work_goes_on() {
    let mut stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let mut task_ids = Vec::new();
    for number in 0..5 {
        task_ids.push(client.submit_text("kept", &format!("Write function {number}")).await);
    }
    for task_id in &task_ids {
        assert_eq!(client.ended(task_id).await["status"], "completed");
    }
    let mut before = Vec::new();
    for task_id in &task_ids {
        before.push(known(&client, task_id).await);
    }
    let folder = std::env::temp_dir().join(format!("dats-backup-{}", uuid::Uuid::new_v4()));
    let dumped = run("dump", &stack, &folder).await;
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));

    let refused = run("restore", &stack, &folder).await;
    assert!(!refused.status.success(), "nothing is dropped under running services");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("stop the services first"));
    let lost_again = client.submit_text("kept", "Submitted after the dump").await;
    let launches = [
        (Role::Gateway, stack.kill(Role::Gateway).await),
        (Role::Provenance, stack.kill(Role::Provenance).await),
    ];
    for role in [Role::Gateway, Role::Provenance] {
        stack.wipe_database(role).await;
    }
    // The server may need a moment to notice that those who were killed are gone.
    wait_for("the databases are restored", Duration::from_secs(60), || async {
        let restored = run("restore", &stack, &folder).await;
        let said = String::from_utf8_lossy(&restored.stderr);
        assert!(restored.status.success() || said.contains("stop the services first"), "{said}");
        restored.status.success().then_some(())
    })
    .await;
    for (role, launch) in launches {
        stack.launch(role, launch);
        stack.ready(role).await;
    }

    for (task_id, before) in task_ids.iter().zip(&before) {
        let after = known(&client, task_id).await;
        assert_eq!((&after.task, &after.record), (&before.task, &before.record));
        // What came between the look and the dump, or is delivered again now, stands behind it.
        assert!(after.history.starts_with(&before.history), "{task_id}: {:#?}", after.history);
    }
    assert_eq!(client.counts("kept").await["completed"], 5);
    assert_eq!(client.get(&format!("/tasks/{lost_again}")).await.status, 404, "it came after the dump");
    let next = client.submit_text("more", "Write one more function").await;
    assert_eq!(client.ended(&next).await["status"], "completed");
    std::fs::remove_dir_all(folder).expect("the dump is deleted");
}
