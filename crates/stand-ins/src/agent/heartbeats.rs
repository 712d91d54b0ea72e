//! Heartbeats: the first after a whole interval, none at the end, always `online`.

use chrono::Utc;
use serde_json::json;

use super::desk::Desk;
use crate::broker::{ConnectionLost, Outlet};

/// Sends them until dropped, or until the connection is lost.
pub(super) async fn send(desk: &Desk, outlet: &Outlet) {
    let habits = &desk.settings.habits;
    loop {
        tokio::time::sleep(habits.heartbeat_interval).await;
        let sender = desk.sender();
        let payload = json!({
            "agent_id": habits.identity.for_heartbeat(),
            "agent_type": desk.settings.agent_type,
            "status": "online",
            "current_task_id": desk.jobs.current(),
            "resources": {
                "cpu_percent": 12.5,
                "memory_percent": 40.0,
                "gpu_vram_total_gb": 0.0,
                "gpu_vram_available_gb": 0.0,
            },
            "timestamp": sender.time(Utc::now()),
        });
        if let Err(ConnectionLost) =
            outlet.publish_as(sender.heartbeat(&payload), habits.persistent_replies).await
        {
            return;
        }
    }
}
