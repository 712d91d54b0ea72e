//! The Agent Service decides when it can; when it cannot, the built-in rules do, and the task says so.

use std::time::Duration;

use end_to_end::{Plan, Role};
use serde_json::json;
use stand_ins::agent_service::{AgentService, Fault, Faults};

#[tokio::test]
async fn the_agent_service_decides_and_the_rules_step_in_whenever_it_fails() {
    let agents = AgentService::start(0, Faults::default()).unwrap();
    let stack = Plan::new().setting(Role::Routing, "AGENT_SERVICE_URL", &agents.url()).start().await;
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

    // A service that never answers is not waited for by every task: the circuit opens.
    agents.faults().set(Fault::None, Duration::from_secs(3600));
    let asked = agents.faults().requests();
    let mut task_ids = Vec::new();
    for number in 0..30 {
        task_ids.push(client.submit_text(&format!("slow-{}", number % 3), "Fix the camera driver").await);
    }
    for task_id in &task_ids {
        assert_eq!(client.ended(task_id).await["status"], "completed");
    }
    assert!(agents.faults().requests() - asked < 30, "every task asked the silent service");
    agents.stop().await;
}
