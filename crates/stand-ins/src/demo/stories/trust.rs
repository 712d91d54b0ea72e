//! Work built on work, one piece of which turns out wrong: what it reaches is seen, taken back to a checkpoint, and
//! done again.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::Played;
use crate::demo::gateway::Gateway;
use crate::demo::screen::{Paint, Screen};

const POLL: Duration = Duration::from_millis(150);

/// A step of the work, which uses what the step before it made.
struct Step {
    label: &'static str,
    description: &'static str,
    /// The attempt it ends in, after everything.
    attempts: u64,
}

const STEPS: [Step; 3] = [
    Step { label: "parser", description: "Write a function that parses the price list.", attempts: 1 },
    Step {
        label: "discount",
        description: "Write a function that applies discounts to prices.",
        attempts: 2,
    },
    Step { label: "invoice", description: "Write a function that sums up an invoice.", attempts: 2 },
];

/// Plays the story; every step ends completed, those that were taken back in a second attempt.
pub(super) async fn play(
    gateway: &Gateway,
    project: &str,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Played>> {
    screen.line("\nWork built on work, and a piece of it that turns out wrong:")?;
    let mut played: Vec<Played> = Vec::new();
    let mut checkpoint = String::new();
    for step in &STEPS {
        let depends_on: Vec<&str> = played.last().map(|before| before.task_id.as_str()).into_iter().collect();
        let body =
            json!({ "description": step.description, "project_id": project, "depends_on": depends_on });
        let done = do_step(gateway, step, &body).await?;
        tell(screen, step.label, "completed", &format!("record {}", done.text("provenance_id")))?;
        if played.is_empty() {
            checkpoint = make_checkpoint(gateway, project, screen).await?;
        }
        played.push(done);
    }
    let [_, wrong, built_on_it] = played.as_slice() else { anyhow::bail!("a step is missing") };
    taint(gateway, wrong, built_on_it, screen).await?;
    roll_back(gateway, &checkpoint, screen).await?;
    for again in played.iter_mut().skip(1) {
        again.task = ended(gateway, &again.task_id, again.attempts).await?;
        tell(screen, again.label, again.text("status"), "again, in attempt 2")?;
    }
    Ok(played)
}

/// Submits a step and waits until it is completed and its record judged.
async fn do_step(gateway: &Gateway, step: &Step, body: &Value) -> anyhow::Result<Played> {
    let submitted = Instant::now();
    let task_id = gateway.submit(body).await?;
    let task = ended(gateway, &task_id, 1).await?;
    let played = Played {
        label: step.label,
        work_type: None,
        task_id,
        task,
        took: submitted.elapsed(),
        ends: "completed",
        attempts: step.attempts,
    };
    record_when(gateway, &played, "/status", &json!("passed")).await?;
    Ok(played)
}

async fn make_checkpoint(gateway: &Gateway, project: &str, screen: &mut Screen) -> anyhow::Result<String> {
    let description = json!({ "description": "the parser is good" });
    let made = gateway.post(&format!("/projects/{project}/checkpoints"), &description).await?;
    let id = made.get("checkpoint_id").and_then(Value::as_str).context("the answer has no checkpoint_id")?;
    tell(screen, "checkpoint", "created", id)?;
    Ok(id.to_owned())
}

/// Says that a step's output is wrong; shows what that reaches.
async fn taint(
    gateway: &Gateway,
    wrong: &Played,
    built_on_it: &Played,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let reason = json!({ "reason": "discounts are rounded the wrong way", "severity": "high" });
    let record = wrong.text("provenance_id");
    gateway.post(&format!("/provenance/{record}/taint"), &reason).await?;
    tell(screen, wrong.label, "tainted", "discounts are rounded the wrong way")?;
    record_when(gateway, built_on_it, "/taint/is_suspect", &json!(true)).await?;
    tell(screen, built_on_it.label, "suspect", &format!("it was built on {}", wrong.label))?;
    let impact = gateway.get(&format!("/provenance/{record}/impact")).await?;
    let affected = impact.get("total_affected").and_then(Value::as_u64).unwrap_or_default();
    tell(screen, "impact", "", &format!("{affected} artifact, by GET /api/v1/provenance/{record}/impact"))
}

async fn roll_back(gateway: &Gateway, checkpoint: &str, screen: &mut Screen) -> anyhow::Result<()> {
    let path = format!("/checkpoints/{checkpoint}/rollback");
    let reason = "back to the good parser";
    let dry = gateway.post(&path, &json!({ "reason": reason, "dry_run": true })).await?;
    let records = dry.get("records_invalidated").and_then(Value::as_u64).unwrap_or_default();
    tell(screen, "rollback", "dry run", &format!("{records} records would be taken back"))?;
    let begun = gateway.post(&path, &json!({ "reason": reason })).await?;
    let id = begun.get("rollback_id").and_then(Value::as_str).unwrap_or_default();
    tell(screen, "rollback", "begun", id)
}

/// The task once this attempt, or a later one, has ended it.
async fn ended(gateway: &Gateway, task_id: &str, attempt: u64) -> anyhow::Result<Value> {
    loop {
        let task = gateway.task(task_id).await?;
        let reached = task.get("attempt").and_then(Value::as_u64) >= Some(attempt);
        if reached && task.get("phase").and_then(Value::as_str) == Some("done") {
            return Ok(task);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until the record of the task's attempt has this value there.
async fn record_when(gateway: &Gateway, played: &Played, pointer: &str, value: &Value) -> anyhow::Result<()> {
    while gateway.provenance(played.text("provenance_id")).await?.as_ref().and_then(|it| it.pointer(pointer))
        != Some(value)
    {
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn tell(screen: &mut Screen, label: &str, what: &str, note: &str) -> anyhow::Result<()> {
    let paint = match what {
        "tainted" => Paint::Red,
        "suspect" => Paint::Yellow,
        _ => Paint::of_status(what),
    };
    let line = format!(
        "  {} {} {}",
        screen.cell(label, 15, Paint::Bold),
        screen.cell(what, 10, paint),
        screen.cell(note, 0, Paint::Dim),
    );
    Ok(screen.line(line.trim_end())?)
}
