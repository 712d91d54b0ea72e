//! What is not understood is refused with a reason, and nothing an agent can send brings the reader down.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::replies::READER;

fn refusal(body: &[u8]) -> String {
    READER.read(body, None, "2026-11-21T09:31:00Z".parse().unwrap()).unwrap_err().to_string()
}

fn result() -> Value {
    serde_json::from_str(include_str!("../fixtures/agents/result_completed.json")).unwrap()
}

fn heartbeat() -> Value {
    serde_json::from_str(include_str!("../fixtures/agents/heartbeat_idle.json")).unwrap()
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    assert!(refusal(b"hello").starts_with("not JSON"));
    assert!(refusal(b"").starts_with("not JSON"));
    assert!(refusal(b"\xff\xfe{}").starts_with("not JSON"));
    assert!(refusal("[".repeat(100_000).as_bytes()).starts_with("not JSON"));
    for body in ["[]", "null", "7", "\"text\""] {
        assert_eq!(refusal(body.as_bytes()), "not a JSON object");
    }
    assert_eq!(refusal(b"{}"), "type is missing");
    let large = format!(r#"{{"output":"{}"}}"#, "x".repeat(10 * 1024 * 1024));
    assert_eq!(refusal(large.as_bytes()), "body of 10485773 bytes, more than 8388608 are not read");
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_name() {
    for (pointer, value, reason) in [
        ("/protocol_version", json!("2.0"), "protocol version \"2.0\" is not spoken here, only 1.0"),
        ("/protocol_version", json!(1.0), "protocol version 1.0 is not spoken here, only 1.0"),
        ("/type", json!("status_update"), "type \"status_update\" is not one that agents answer with"),
        ("/type", json!("work_request"), "type \"work_request\" is not one that agents answer with"),
        ("/type", json!(5), "type is not text"),
        ("/payload", json!(null), "payload is missing"),
        ("/payload", json!("text"), "payload is not an object"),
        ("/payload/task_id", json!(null), "task_id is missing"),
        ("/payload/task_id", json!("not-an-id"), "task_id is not a UUID"),
        ("/payload/task_id", json!(7), "task_id is not a UUID"),
        ("/payload/status", json!("done"), "status is not one of completed, failed, cancelled"),
        ("/payload/status", json!(null), "status is missing"),
        ("/payload/exit_code", json!("zero"), "exit_code is not a number"),
        ("/payload/output", json!({ "text": "x" }), "output is not text"),
        ("/payload/resources_used", json!([]), "resources_used is not an object"),
        ("/payload/request_id", json!("r-1"), "request_id is not a UUID"),
    ] {
        let mut body = result();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(refusal(body.to_string().as_bytes()), reason, "{pointer}");
    }
    for (pointer, value, reason) in [
        ("/payload/agent_id", json!("infra-7"), "agent_id is not a UUID"),
        ("/payload/status", json!("asleep"), "status is not one of online, offline, busy"),
        (
            "/payload/agent_type",
            json!("kitchen"),
            "agent_type is not one of orchestrator, infra, desktop, code, research",
        ),
        ("/payload/resources", json!("plenty"), "resources is not an object"),
        (
            "/payload/agent_id",
            json!(null),
            "work_status with neither task_id nor agent_id: neither progress nor heartbeat",
        ),
    ] {
        let mut body = heartbeat();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(refusal(body.to_string().as_bytes()), reason, "{pointer}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(json!("5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0001")),
        Just(json!("completed")),
        Just(json!("running")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A real message in which one member, of the envelope or the payload, is something else.
fn any_spoilt_message() -> impl Strategy<Value = Value> {
    let messages = [
        result(),
        heartbeat(),
        serde_json::from_str(include_str!("../fixtures/agents/progress_running.json")).unwrap(),
        serde_json::from_str(include_str!("../fixtures/agents/error_about_a_task.json")).unwrap(),
    ];
    let names = prop::sample::select(vec![
        "type",
        "payload",
        "task_id",
        "status",
        "agent_id",
        "agent_type",
        "exit_code",
        "output",
        "step",
        "progress_percent",
        "context",
        "error_code",
        "duration_ms",
        "request_id",
        "trace_id",
        "timestamp",
        "resources",
        "error_message",
        "current_task_id",
        "protocol_version",
    ]);
    (prop::sample::select(messages.to_vec()), names, any::<bool>(), any_json()).prop_map(
        |(mut message, name, in_payload, value)| {
            let place = if in_payload { &mut message["payload"] } else { &mut message };
            place[name] = value;
            message
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_bring_the_reader_down(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = READER.read(&body, None, "2026-11-21T09:31:00Z".parse().unwrap());
    }

    #[test]
    fn a_spoilt_message_is_read_or_refused_and_read_alike_each_time(body in any_spoilt_message()) {
        let body = body.to_string();
        let now = "2026-11-21T09:31:00Z".parse().unwrap();
        let first = READER.read(body.as_bytes(), Some("m"), now);
        prop_assert_eq!(&first, &READER.read(body.as_bytes(), Some("m"), now));
        match first {
            Ok(events) => for event in events {
                prop_assert!(event.to_wire(None).is_ok());
            },
            Err(unreadable) => prop_assert!(!unreadable.to_string().is_empty()),
        }
    }
}
