//! The Agent Service decides when it can; when it cannot, the built-in rules do, and the task says so.

use std::time::Duration;

use end_to_end::client::TASK_TIME;
use end_to_end::{Plan, Role};
use serde_json::json;
use stand_ins::agent_service::{AgentService, Fault, Faults};
use test_support::wait_for;

#[tokio::test]
async fn the_agent_service_decides_and_the_rules_step_in_whenever_it_fails() {
    let agents = AgentService::start(0, Faults::default()).unwrap();
    let stack = Plan::new()
        .setting(Role::Routing, "AGENT_SERVICE_URL", &agents.url())
        .setting(Role::Routing, "DATS_ROUTING__AGENT_SERVICE__TIMEOUT_MS", "500")
        .start()
        .await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let task_id = client.submit_text("analysed", "Fix the crash of the camera driver").await;
    let task = client.ended(&task_id).await;
    assert_eq!((&task["status"], &task["domain"]), (&json!("completed"), &json!("code-vision")));
    assert_eq!((&task["mode"], &task["routing"]["analyzer"]), (&json!("fix_bug"), &json!("agent-service")));
    assert_eq!(task["routing"]["fallback"], false);

    for fault in [Fault::Errors, Fault::Garbage, Fault::WrongShape, Fault::UnknownWords] {
        agents.faults().set(fault, Duration::ZERO);
        let task_id = client.submit_text("analysed", "Fix the crash of the camera driver").await;
        let task = client.ended(&task_id).await;
        assert_eq!(task["status"], "completed", "{fault:?}");
        assert_eq!(task["routing"]["fallback"], true, "{fault:?}: {task:#}");
        assert!(!task["routing"]["reasons"].as_array().unwrap().is_empty(), "{fault:?}");
    }

    // A service that never answers is asked in vain a few times and then left alone for a while.
    agents.faults().set(Fault::None, Duration::from_secs(3600));
    let asked = wait_for("the silent service is left alone", TASK_TIME, || async {
        let before = agents.faults().requests();
        let task_id = client.submit_text("analysed", "Fix the camera driver").await;
        assert_eq!(client.ended(&task_id).await["status"], "completed");
        (agents.faults().requests() == before).then_some(before)
    })
    .await;
    for _ in 0..3 {
        let task_id = client.submit_text("analysed", "Fix the camera driver").await;
        let task = client.ended(&task_id).await;
        assert_eq!((&task["status"], &task["routing"]["fallback"]), (&json!("completed"), &json!(true)));
    }
    assert_eq!(agents.faults().requests(), asked);
    agents.stop().await;
}
