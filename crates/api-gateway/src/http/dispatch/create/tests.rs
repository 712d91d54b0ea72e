//! What `POST /dispatch` takes, and how it names what it does not take.

use serde_json::{Value, json};

use super::*;
use crate::http::body::read_body;
use crate::http::words::ConfiguredWords;

const TASK: &str = "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a11";

fn read(body: &Value) -> Result<DispatchRequest, ApiError> {
    read_body(body.to_string().as_bytes(), &ConfiguredWords::default())
}

fn with(member: &str, value: Value) -> Value {
    let mut body = json!({ "task_id": TASK, "work_type": "echo" });
    body[member] = value;
    body
}

#[test]
fn what_is_absent_or_null_has_its_default() {
    let new = read(&with("parameters", Value::Null)).unwrap().into_new_dispatch(TraceId::generate());
    assert_eq!((new.priority, new.project_id.as_str()), (Priority::Normal, "default"));
    assert_eq!((new.parameters.len(), new.timeout_seconds, new.max_attempts), (0, None, None));
}

#[test]
fn five_is_most_urgent() {
    use Priority::{Critical, High, Low, Normal};
    let read = |number: u32| read(&with("priority", json!(number))).unwrap().priority;
    assert_eq!([1, 2, 3, 4, 5].map(read), [Low, Low, Normal, High, Critical].map(Some));
}

#[test]
fn every_bad_field_is_named() {
    for (member, value) in [
        ("task_id", json!("7")),
        ("task_id", json!(7)),
        ("task_id", json!("9b2f1c1e6f0a4d0e8a572f6d0f4f1a11")),
        ("work_type", json!("")),
        ("work_type", json!("  ")),
        ("work_type", json!(["echo"])),
        ("parameters", json!([])),
        ("parameters", json!("a=b")),
        ("priority", json!(0)),
        ("priority", json!(6)),
        ("priority", json!(-1)),
        ("priority", json!(2.5)),
        ("priority", json!("high")),
        ("priority", json!("3")),
        ("project_id", json!("a b")),
        ("timeout_seconds", json!(0)),
        ("timeout_seconds", json!(86_401)),
        ("max_attempts", json!(21)),
        ("urgency", json!(1)),
    ] {
        let refused = read(&with(member, value.clone())).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ValidationFailed);
        assert_eq!(refused.fields(), [member], "{value}");
    }
    let refused = read(&json!({ "priority": 9, "colour": "red" })).unwrap_err();
    assert_eq!(refused.fields(), ["task_id", "work_type", "priority", "colour"]);
}

#[test]
fn an_unknown_work_type_is_refused_with_those_there_are() {
    let known = vec!["echo".to_owned(), "research".to_owned()];
    let refused = refusal(DispatchError::UnknownWorkType { known });
    assert_eq!(refused.code(), ErrorCode::InvalidWorkType);
    assert_eq!(refused.fields(), ["work_type"]);
    assert!(refused.to_string().contains("echo, research"), "{refused}");
}
