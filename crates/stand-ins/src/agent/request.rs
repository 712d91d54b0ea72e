//! Reads work requests as strictly as existing agents do: an envelope that breaks a rule is rejected, a payload that
//! does is dropped without a word.

use serde_json::{Map, Value};
use uuid::Uuid;

const AGENT_TYPES: [&str; 5] = ["orchestrator", "infra", "desktop", "code", "research"];

/// A request whose envelope is in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) trace_id: Uuid,
    pub(super) request_id: Uuid,
    pub(super) priority: i64,
    /// `None` when the payload makes no job.
    pub(super) job: Option<Job>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) task_id: Uuid,
    pub(super) work_type: String,
    pub(super) parameters: Map<String, Value>,
}

/// Which rule of the envelope is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rejected(pub(super) &'static str);

impl Request {
    pub(super) fn read(body: &[u8]) -> Result<Self, Rejected> {
        let json: Value = serde_json::from_slice(body).map_err(|_| Rejected("not JSON"))?;
        let envelope = json.as_object().ok_or(Rejected("not an object"))?;
        if member(envelope, "protocol_version", as_text, "protocol_version")?
            .is_some_and(|version| version != "1.0")
        {
            return Err(Rejected("protocol_version"));
        }
        for side in ["from_agent", "to_agent"] {
            let word = member(envelope, side, as_text, "from_agent or to_agent")?;
            if !word.is_some_and(|word| AGENT_TYPES.contains(&word)) {
                return Err(Rejected("from_agent or to_agent"));
            }
        }
        if member(envelope, "type", as_text, "type")? != Some("work_request") {
            return Err(Rejected("type"));
        }
        member(envelope, "message_id", as_uuid, "message_id")?;
        member(envelope, "timestamp", as_text, "timestamp")?;
        member(envelope, "x_custom_fields", Value::as_object, "x_custom_fields")?;
        let priority = member(envelope, "priority", as_integer, "priority")?.unwrap_or(3);
        if !(1..=5).contains(&priority) {
            return Err(Rejected("priority"));
        }
        let payload = member(envelope, "payload", Value::as_object, "payload")?.ok_or(Rejected("payload"))?;
        Ok(Self {
            trace_id: member(envelope, "trace_id", as_uuid, "trace_id")?.unwrap_or_else(Uuid::new_v4),
            request_id: member(envelope, "request_id", as_uuid, "request_id")?.unwrap_or_else(Uuid::new_v4),
            priority,
            job: Job::read(payload).ok(),
        })
    }
}

impl Job {
    fn read(payload: &Map<String, Value>) -> Result<Self, Rejected> {
        member(payload, "hints", Value::as_object, "hints")?;
        let parameters = member(payload, "parameters", Value::as_object, "parameters")?;
        Ok(Self {
            task_id: member(payload, "task_id", as_uuid, "task_id")?.ok_or(Rejected("task_id"))?,
            work_type: member(payload, "work_type", as_text, "work_type")?
                .ok_or(Rejected("work_type"))?
                .to_owned(),
            parameters: parameters.cloned().unwrap_or_default(),
        })
    }
}

/// A member that may be absent, but not null and of no other form.
fn member<'a, T>(
    object: &'a Map<String, Value>,
    name: &str,
    read: impl Fn(&'a Value) -> Option<T>,
    rule: &'static str,
) -> Result<Option<T>, Rejected> {
    object.get(name).map(|value| read(value).ok_or(Rejected(rule))).transpose()
}

fn as_text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn as_uuid(value: &Value) -> Option<Uuid> {
    Uuid::parse_str(value.as_str()?).ok()
}

/// Text that is a number counts.
fn as_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "protocol_version": "1.0", "message_id": "2c0e3f86-12c6-4a2e-9a51-30b2a4a0c001",
            "from_agent": "orchestrator", "to_agent": "infra", "timestamp": "2026-11-21T12:00:00.000000Z",
            "trace_id": "2c0e3f86-12c6-4a2e-9a51-30b2a4a0c002", "type": "work_request", "priority": 4,
            "request_id": "2c0e3f86-12c6-4a2e-9a51-30b2a4a0c003", "x_custom_fields": {},
            "payload": {
                "task_id": "2c0e3f86-12c6-4a2e-9a51-30b2a4a0c004", "work_type": "echo",
                "parameters": { "message": "hi" }, "hints": {},
            },
        })
    }

    fn read_with(path: &str, value: Value) -> Result<Request, Rejected> {
        let mut request = valid();
        *request.pointer_mut(path).unwrap() = value;
        Request::read(request.to_string().as_bytes())
    }

    #[test]
    fn a_request_in_order_is_a_job_and_so_is_the_smallest_one() {
        let request = Request::read(valid().to_string().as_bytes()).unwrap();
        assert_eq!((request.priority, request.job.unwrap().work_type.as_str()), (4, "echo"));
        let smallest = json!({
            "from_agent": "orchestrator", "to_agent": "code", "type": "work_request",
            "payload": { "task_id": Uuid::nil().simple().to_string(), "work_type": "echo" },
        });
        let request = Request::read(smallest.to_string().as_bytes()).unwrap();
        assert_eq!(request.priority, 3);
        assert!(request.job.is_some());
        assert_eq!(read_with("/priority", json!("3")).unwrap().priority, 3);
    }

    #[test]
    fn a_broken_envelope_is_rejected_and_nulls_break_it() {
        for (path, value) in [
            ("/protocol_version", json!("2.0")),
            ("/protocol_version", json!(null)),
            ("/from_agent", json!("nobody")),
            ("/to_agent", json!(null)),
            ("/type", json!("work_status")),
            ("/message_id", json!("not a UUID")),
            ("/trace_id", json!(null)),
            ("/timestamp", json!(1_795_220_370)),
            ("/priority", json!(0)),
            ("/priority", json!(6)),
            ("/priority", json!(null)),
            ("/payload", json!(null)),
            ("/x_custom_fields", json!(null)),
        ] {
            assert!(read_with(path, value.clone()).is_err(), "{path} {value}");
        }
        for body in [&b"not json"[..], b"", b"[]"] {
            assert!(Request::read(body).is_err());
        }
    }

    #[test]
    fn a_broken_payload_makes_no_job() {
        for (path, value) in [
            ("/payload/task_id", json!("not a UUID")),
            ("/payload/work_type", json!(7)),
            ("/payload/parameters", json!(null)),
            ("/payload/hints", json!(null)),
            ("/payload", json!({})),
        ] {
            assert_eq!(read_with(path, value.clone()).unwrap().job, None, "{path} {value}");
        }
    }
}
