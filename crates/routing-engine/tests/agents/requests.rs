//! What an agent gets, byte for byte.

use protocol::events::JsonObject;
use protocol::vocabulary::AgentType;
use protocol::{EventId, RequestId, TaskId, TraceId};
use routing_engine::lanes::agent::wire::{Hints, WorkRequest, request_body, without_nulls};
use serde_json::{Value, json};

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn request() -> WorkRequest {
    let id = |last: u8| format!("5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a00{last:02x}");
    WorkRequest {
        message_id: id(1).parse::<EventId>().unwrap(),
        to_agent: AgentType::Infra,
        timestamp: "2026-11-21T09:30:15Z".parse().unwrap(),
        trace_id: id(2).parse::<TraceId>().unwrap(),
        request_id: id(3).parse::<RequestId>().unwrap(),
        priority: 3,
        task_id: id(4).parse::<TaskId>().unwrap(),
        work_type: "echo".to_owned(),
        parameters: object(json!({ "message": "good morning" })),
        hints: Hints { max_duration_seconds: Some(600) },
    }
}

fn text(request: &WorkRequest) -> String {
    String::from_utf8(request_body(request).unwrap()).unwrap()
}

#[test]
fn a_work_request_is_written_byte_for_byte_as_agents_read_it() {
    let expected = concat!(
        r#"{"protocol_version":"1.0","message_id":"5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0001","#,
        r#""from_agent":"orchestrator","to_agent":"infra","timestamp":"2026-11-21T09:30:15.000000Z","#,
        r#""trace_id":"5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0002","request_id":"5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0003","#,
        r#""type":"work_request","priority":3,"payload":{"task_id":"5f0c1d2e-8a41-4c0b-9d57-1f6e2b7a0004","#,
        r#""work_type":"echo","parameters":{"message":"good morning"},"hints":{"max_duration_seconds":600}},"#,
        r#""x_custom_fields":{}}"#,
    );
    assert_eq!(text(&request()), expected);
}

#[test]
fn what_is_not_there_is_left_out_and_never_null() {
    let bare = WorkRequest {
        parameters: object(
            json!({ "host": null, "nested": { "port": null, "list": [1, { "gone": null }] } }),
        ),
        hints: Hints::default(),
        ..request()
    };
    let written: Value = serde_json::from_str(&text(&bare)).unwrap();
    assert_eq!(written["payload"]["hints"], json!({}));
    assert_eq!(written["payload"]["parameters"], json!({ "nested": { "list": [1, {}] } }));
    assert!(!text(&bare).contains("null"));
}

#[test]
fn elements_of_lists_keep_their_places() {
    let parameters = object(json!({ "positions": [1, null, 3], "left_out": null }));
    assert_eq!(without_nulls(&parameters), object(json!({ "positions": [1, null, 3] })));
}
