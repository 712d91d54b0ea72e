//! An agent that takes work and reports success in the same breath, in the words of the agents' wire protocol.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use messaging::{Delivery, HandlerError, Outcome, Outgoing, Properties, Publisher, RawHandler, Turn};
use protocol::WireMessage;
use protocol::topology::REPLY_QUEUE;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) struct InstantAgent {
    publisher: Publisher,
    agent_id: Uuid,
}

impl InstantAgent {
    pub(super) fn new(publisher: Publisher) -> Self {
        Self { publisher, agent_id: Uuid::new_v4() }
    }

    fn result(&self, request: &Value) -> Outgoing {
        let work = &request["payload"];
        let envelope = json!({
            "protocol_version": "1.0",
            "message_id": Uuid::new_v4(),
            "from_agent": "infra",
            "to_agent": "orchestrator",
            "timestamp": Utc::now(),
            "trace_id": request["trace_id"],
            "request_id": request["request_id"],
            "type": "work_result",
            "priority": request["priority"],
            "payload": {
                "task_id": work["task_id"],
                "status": "completed",
                "exit_code": 0,
                "output": "done",
                "error_message": null,
                "duration_ms": 1,
                "agent_id": self.agent_id,
                "request_id": request["request_id"],
                "resources_used": {},
            },
            "x_custom_fields": {},
        });
        let message = WireMessage {
            exchange: String::new(),
            routing_key: REPLY_QUEUE.to_owned(),
            message_id: Uuid::new_v4().to_string(),
            event_type: String::new(),
            content_type: "application/json".to_owned(),
            correlation_id: None,
            traceparent: None,
            timestamp: 0,
            body: envelope.to_string().into_bytes(),
        };
        Outgoing { message, properties: Properties { transient: true, ..Properties::default() } }
    }
}

#[async_trait]
impl RawHandler for InstantAgent {
    async fn handle(&self, batch: Vec<Arc<Delivery>>, _: Turn) -> Result<Vec<Outcome>, HandlerError> {
        let outcomes = vec![Outcome::Done; batch.len()];
        let read = |delivery: &Arc<Delivery>| serde_json::from_slice::<Value>(&delivery.body).ok();
        let requests = batch.iter().filter_map(read);
        let results = requests.map(|request| self.result(&request)).collect();
        for outcome in self.publisher.publish_all::<Outgoing>(results).await {
            outcome.map_err(|error| HandlerError::Failed(error.to_string()))?;
        }
        Ok(outcomes)
    }
}
