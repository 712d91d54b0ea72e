//! The provenance records that the tasks left, and how they look on the screen.

use std::time::Duration;

use protocol::{ProvenanceId, TaskId};
use serde_json::Value;

use super::gateway::Gateway;
use super::screen::{Paint, Screen};
use super::stories::Played;

/// Time for a record to follow its task's verdict through the broker.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// The records of all attempts that produced something, the last attempt's last.
pub(super) async fn of_task(gateway: &Gateway, played: &Played) -> anyhow::Result<Vec<Value>> {
    let task_id: TaskId = played.task_id.parse()?;
    let attempts = played.task.get("attempt").and_then(Value::as_u64).unwrap_or_default();
    let mut records = Vec::new();
    for attempt in 1..=u32::try_from(attempts)? {
        let id = ProvenanceId::of_attempt(task_id, attempt).to_string();
        let is_due = u64::from(attempt) == attempts && played.ends == "completed";
        let record = if is_due { judged(gateway, &id).await? } else { gateway.provenance(&id).await? };
        records.extend(record);
    }
    Ok(records)
}

/// The record once it is verified, or as it is when patience ends.
async fn judged(gateway: &Gateway, id: &str) -> anyhow::Result<Option<Value>> {
    let verified = async {
        loop {
            let record = gateway.provenance(id).await?;
            if record.as_ref().is_some_and(|record| text(record, "status") == "passed") {
                return anyhow::Ok(record);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    match tokio::time::timeout(PATIENCE, verified).await {
        Ok(record) => record,
        Err(_) => gateway.provenance(id).await,
    }
}

/// A line for each record.
pub(super) fn tell(label: &str, records: &[Value], screen: &Screen) -> Vec<String> {
    let label = screen.cell(label, 15, Paint::Bold);
    if records.is_empty() {
        return vec![format!("  {label} {}", screen.cell("nothing was produced", 0, Paint::Dim))];
    }
    records.iter().map(|record| format!("  {label} {}", describe(record, screen))).collect()
}

fn describe(record: &Value, screen: &Screen) -> String {
    let outputs = record.get("outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let made: Vec<String> = outputs
        .iter()
        .map(|output| {
            let checksum: String = text(output, "checksum").chars().take(12).collect();
            let name = text(output, "path").rsplit('/').next().unwrap_or_default();
            format!("{name}, {} bytes, sha256 {checksum}", number(output, "size_bytes"))
        })
        .collect();
    let status = text(record, "status");
    let by = match text(record, "model_used") {
        "" => format!("agent {}", text(record, "worker_id")),
        model => {
            let tokens = number(record, "tokens_input") + number(record, "tokens_output");
            format!("{} with {model}, {tokens} tokens: {}", text(record, "worker_id"), made.join("; "))
        }
    };
    format!("attempt {} {} {by}", number(record, "attempt"), screen.cell(status, 7, Paint::of_status(status)),)
}

/// A text member, empty when null or absent.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, member: &str) -> u64 {
    value.get(member).and_then(Value::as_u64).unwrap_or_default()
}
