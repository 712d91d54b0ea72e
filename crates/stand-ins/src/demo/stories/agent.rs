//! Work by its type for an agent: a WebSocket on a trace that the client chose is open before the work is handed in,
//! so that it shows everything.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::Played;
use crate::demo::gateway::Gateway;
use crate::demo::screen::{Paint, Screen};

const LABEL: &str = "dispatched";
const WORK_TYPE: &str = "slow_echo";

/// Hands in the work and shows every update until its end.
pub(super) async fn play(gateway: &Gateway, project: &str, screen: &mut Screen) -> anyhow::Result<Played> {
    let (trace_id, task_id) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    let url = format!("{}/ws/{trace_id}", gateway.url().replacen("http", "ws", 1));
    screen.line(&format!("\nWork for an agent, by POST /api/v1/dispatch, watched live at {url}:"))?;
    let (mut updates, _) = connect_async(&url).await.context("no WebSocket")?;
    let work = json!({
        "task_id": task_id, "project_id": project, "work_type": WORK_TYPE, "priority": 5,
        "parameters": { "message": "hello from the demo" },
    });
    let submitted = Instant::now();
    gateway.dispatch(&work, trace_id).await?;
    loop {
        let update = match updates.next().await.context("the WebSocket ended")?? {
            Message::Text(text) => serde_json::from_str::<Value>(&text)?,
            Message::Close(reason) => bail!("the gateway closed the WebSocket: {reason:?}"),
            _ => continue,
        };
        if update.get("type").and_then(Value::as_str) != Some("task_update") {
            continue;
        }
        screen.line(&describe(&update, submitted, screen))?;
        if matches!(text(&update, "/status"), "completed" | "failed" | "cancelled") {
            break;
        }
    }
    let took = submitted.elapsed();
    // Nothing more is wanted; the gateway notices.
    drop(updates);
    let status = gateway.work_status(&task_id).await?;
    let output = screen.cell(text(&status, "/output"), 0, Paint::Green);
    screen.line(&format!("  the agent's output, from GET /api/v1/status/{task_id}: {output}"))?;
    let task = gateway.task(&task_id).await?;
    Ok(Played {
        label: LABEL,
        work_type: Some(WORK_TYPE),
        task_id,
        task,
        took,
        ends: "completed",
        attempts: 1,
    })
}

fn describe(update: &Value, submitted: Instant, screen: &Screen) -> String {
    let elapsed: Duration = submitted.elapsed();
    let sequence = update.get("sequence").and_then(Value::as_u64).unwrap_or_default();
    let percent = update.pointer("/progress/percent").and_then(Value::as_f64).unwrap_or_default();
    let status = text(update, "/status");
    let line = format!(
        "  {:>6.2}s  {} {} {} {percent:>3.0}%  {}",
        elapsed.as_secs_f64(),
        screen.cell(&format!("update {sequence}"), 15, Paint::Bold),
        screen.cell(status, 20, Paint::of_status(status)),
        screen.cell(text(update, "/phase"), 24, Paint::Plain),
        screen.cell(text(update, "/progress/message"), 0, Paint::Dim),
    );
    line.trim_end().to_owned()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
