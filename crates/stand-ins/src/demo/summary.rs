//! The end of the demo: a table, the records, whether all went as it should, and where to look further.

use serde_json::Value;

use super::gateway::Gateway;
use super::records::{self, text};
use super::screen::{Paint, Screen};
use super::stories::Played;

const HEAD: [(&str, usize); 7] = [
    ("task", 15),
    ("domain/work", 15),
    ("tier", 9),
    ("attempts", 8),
    ("status", 10),
    ("time", 7),
    ("provenance id", 36),
];

/// Shows everything. True when every task ended as it should and left the record it should.
pub(super) async fn show(
    gateway: &Gateway,
    project: &str,
    tasks: &[Played],
    screen: &mut Screen,
) -> anyhow::Result<bool> {
    table(tasks, screen)?;
    let mut surprises = Vec::new();
    screen.line("\nProvenance, one record for each attempt that produced something:")?;
    for played in tasks {
        let records = records::of_task(gateway, played).await?;
        surprises.extend(surprise(played, records.last()));
        for line in records::tell(played.label, &records, screen) {
            screen.line(&line)?;
        }
    }
    further(gateway, project, tasks, screen)?;
    screen.line("")?;
    for surprise in &surprises {
        screen.line(&screen.cell(&format!("Not as it should be: {surprise}"), 0, Paint::Red))?;
    }
    if surprises.is_empty() {
        screen.line(&screen.cell("Every task ended as it should.", 0, Paint::Green))?;
    }
    Ok(surprises.is_empty())
}

fn table(tasks: &[Played], screen: &mut Screen) -> anyhow::Result<()> {
    let head: Vec<String> = HEAD.iter().map(|(name, width)| screen.cell(name, *width, Paint::Bold)).collect();
    screen.line(&format!("\n{}", head.join(" ")))?;
    for played in tasks {
        let status = played.text("status");
        let attempts = played.task.get("attempt").map(ToString::to_string).unwrap_or_default();
        let time = format!("{:.2}s", played.took.as_secs_f64());
        let cells = [
            (played.label, Paint::Plain),
            (played.work_type.unwrap_or_else(|| played.text("domain")), Paint::Plain),
            (played.work_type.map_or_else(|| played.text("tier"), |_| "agent"), Paint::Plain),
            (attempts.as_str(), Paint::Plain),
            (status, Paint::of_status(status)),
            (time.as_str(), Paint::Plain),
            (played.text("provenance_id"), Paint::Dim),
        ];
        let row: Vec<String> = cells
            .iter()
            .zip(HEAD)
            .map(|((text, paint), (_, width))| screen.cell(text, width, *paint))
            .collect();
        screen.line(&row.join(" "))?;
    }
    Ok(())
}

/// What about the task is not as it should be.
fn surprise(played: &Played, record: Option<&Value>) -> Option<String> {
    let (status, attempt) = (played.text("status"), played.task.get("attempt").and_then(Value::as_u64));
    if status != played.ends || attempt != Some(played.attempts) {
        let attempt = attempt.unwrap_or_default();
        return Some(format!(
            "{}: {status} in attempt {attempt}, should be {} in attempt {}",
            played.label, played.ends, played.attempts
        ));
    }
    let verified = record.is_some_and(|record| text(record, "status") == "passed");
    (played.ends == "completed" && !verified)
        .then(|| format!("{}: no verified provenance record", played.label))
}

fn further(gateway: &Gateway, project: &str, tasks: &[Played], screen: &mut Screen) -> anyhow::Result<()> {
    let Some(example) = tasks.iter().find(|played| played.attempts > 1).or_else(|| tasks.first()) else {
        return Ok(());
    };
    let (url, task_id) = (gateway.url(), &example.task_id);
    screen.line("\nLook further:")?;
    for path in [
        format!("/api/v1/tasks/{task_id}"),
        format!("/api/v1/tasks/{task_id}/history"),
        format!("/api/v1/provenance/{task_id}"),
        format!("/api/v1/projects/{project}/status"),
        format!("/api/v1/tasks?project_id={project}"),
        "/api/v1/agents".to_owned(),
    ] {
        screen.line(&format!("  curl -s '{url}{path}'"))?;
    }
    screen.line(&format!("  {url}/docs in a browser"))?;
    screen.line("\nSubmit a task of your own:")?;
    screen.line(&format!("  curl -s '{url}/api/v1/tasks' -H 'Content-Type: application/json' \\"))?;
    screen.line(&format!(
        "    -d '{{\"description\": \"Write a function that adds\", \"project_id\": \"{project}\"}}'"
    ))?;
    Ok(())
}
