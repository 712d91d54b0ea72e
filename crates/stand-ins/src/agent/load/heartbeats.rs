//! Heartbeats of many agents, in turn; the last one is of an agent of its own, whose entry shows that all are in.

use chrono::Utc;
use protocol::WireMessage;
use protocol::vocabulary::AgentType;
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

use super::crew::Crew;
use super::{Absorbed, Gateway, LoadSettings};

pub(super) async fn send(
    settings: &LoadSettings,
    crew: &Crew,
    gateway: &Gateway,
) -> anyhow::Result<Absorbed> {
    let agents: Vec<Uuid> = (0..settings.agents.max(1)).map(|_| Uuid::new_v4()).collect();
    let last = Uuid::new_v4();
    let count = usize::try_from(settings.heartbeats)?;
    let ids = agents.iter().copied().cycle().take(count.saturating_sub(1)).chain([last]);
    let began = Instant::now();
    let published = crew.publish(ids.map(heartbeat), settings.rate).await?;
    gateway.until(&format!("/agents/{last}"), |_| true).await?;
    Ok(Absorbed { messages: settings.heartbeats, published, absorbed: began.elapsed() })
}

fn heartbeat(agent_id: Uuid) -> WireMessage {
    let sender = Crew::sender();
    sender.heartbeat(&json!({
        "agent_id": agent_id,
        "agent_type": AgentType::Infra,
        "status": "online",
        "current_task_id": null,
        "resources": { "cpu_percent": 12.5, "memory_percent": 40.0, "gpu_vram_total_gb": 0.0 },
        "timestamp": sender.time(Utc::now()),
    }))
}
