//! Envelopes and messages as existing agents send them.

use chrono::{DateTime, Utc};
use protocol::WireMessage;
use protocol::vocabulary::AgentType;
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::Request;
use super::topology::REPLY_QUEUE;

/// Who sends, and how it writes times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) agent_type: AgentType,
    pub(super) zone_less_timestamps: bool,
}

impl Sender {
    /// A message that answers a request and repeats its ids.
    pub(super) fn answer(self, message_type: &str, request: &Request, payload: &Value) -> WireMessage {
        self.message(message_type, request.trace_id, request.request_id, request.priority, payload)
    }

    /// A heartbeat; its trace and request refer to nothing.
    pub(super) fn heartbeat(self, payload: &Value) -> WireMessage {
        self.message("work_status", Uuid::new_v4(), Uuid::new_v4(), 4, payload)
    }

    fn message(
        self,
        message_type: &str,
        trace_id: Uuid,
        request_id: Uuid,
        priority: i64,
        payload: &Value,
    ) -> WireMessage {
        let envelope = json!({
            "protocol_version": "1.0",
            "message_id": Uuid::new_v4(),
            "from_agent": self.agent_type,
            "to_agent": "orchestrator",
            "timestamp": self.time(Utc::now()),
            "trace_id": trace_id,
            "request_id": request_id,
            "type": message_type,
            "priority": priority,
            "payload": payload,
            "x_custom_fields": {},
        });
        WireMessage {
            exchange: String::new(),
            routing_key: REPLY_QUEUE.to_owned(),
            message_id: Uuid::new_v4().simple().to_string(),
            event_type: String::new(),
            content_type: "application/json".to_owned(),
            correlation_id: None,
            traceparent: None,
            timestamp: 0,
            body: envelope.to_string().into_bytes(),
        }
    }

    pub(super) fn time(self, time: DateTime<Utc>) -> String {
        if !self.zone_less_timestamps {
            time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
        } else if time.timestamp_subsec_micros() == 0 {
            time.format("%Y-%m-%dT%H:%M:%S").to_string()
        } else {
            time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_a_zone_have_no_fraction_when_it_is_zero() {
        let sender = Sender { agent_type: AgentType::Infra, zone_less_timestamps: true };
        let whole: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let odd: DateTime<Utc> = "2026-11-21T12:00:00.000120Z".parse().unwrap();
        assert_eq!(sender.time(whole), "2026-11-21T12:00:00");
        assert_eq!(sender.time(odd), "2026-11-21T12:00:00.000120");
        let other = Sender { zone_less_timestamps: false, ..sender };
        assert_eq!(other.time(whole), "2026-11-21T12:00:00.000000Z");
    }
}
