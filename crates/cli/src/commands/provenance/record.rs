//! `dats provenance show ID`

use serde_json::Value;

use crate::client::in_path;
use crate::commands::task_view::Facts;
use crate::commands::{Session, spend};
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// Shows a record.
pub(super) async fn show(id: &str, session: &Session<'_>) -> Result<(), Failure> {
    let record = session.client.get(&format!("/provenance/{}", in_path(id)), &[]).await?;
    session.output.answer(&record, || text(&record, session))
}

fn text(record: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let mut facts = Facts::new();
    facts.add("record", record.text("id"));
    facts.add("task", format!("{}, attempt {}", record.text("task_id"), record.count("attempt")));
    facts.add("project", record.text("project_id"));
    facts.add("status", output.status(record.text("status")));
    facts.add("verdict", verdict(record));
    facts.add("taint", output.paint(&taint(record), Paint::Bad));
    facts.add("model", record.text("model_used"));
    facts.add("worker", record.text("worker_id"));
    facts.add("tier", record.text("tier"));
    facts.add("domain", record.text("domain"));
    facts.add("confidence", record.shown("confidence"));
    if record.at("tokens_input").is_u64() || record.at("tokens_output").is_u64() {
        let (read, written) = (record.count("tokens_input"), record.count("tokens_output"));
        facts.add("tokens", format!("{read} in, {written} out"));
    }
    facts.add("cost", spend::of_record(record));
    let took = record.at("execution_time_ms").as_u64().map(time::milliseconds);
    facts.add("took", took.unwrap_or_default());
    facts.add("recorded", time::ago(record.text("created_at"), session.now));
    let mut text = facts.text(session);
    text.push_str(&artifacts("made", record.list("outputs"), session));
    text.push_str(&artifacts("from", record.list("inputs_consumed"), session));
    text
}

fn verdict(record: &Value) -> String {
    let by = record.text("verification.verified_by");
    let reason = record.text("verification.reason");
    match (record.text("verification.status"), by, reason) {
        ("", ..) | ("pending", "", "") => String::new(),
        (status, "", reason) => [status, reason].join(" ").trim().to_owned(),
        (status, by, "") => format!("{status}, says {by}"),
        (status, by, reason) => format!("{status}, says {by}: {reason}"),
    }
}

fn taint(record: &Value) -> String {
    if record.flag("taint.is_tainted") {
        format!("tainted: {}", record.text("taint.tainted_reason"))
    } else if record.flag("taint.is_suspect") {
        format!("suspect, because of {}", record.text("taint.suspect_source"))
    } else {
        String::new()
    }
}

/// What is known of a content that came along with its checksum.
fn content(artifact: &Value) -> Cell {
    match artifact.at("checksum_verified").as_bool() {
        Some(false) => Cell::painted("is not what its checksum says", Paint::Bad),
        Some(true) => "matches its checksum".into(),
        None => "".into(),
    }
}

fn artifacts(title: &'static str, artifacts: &[Value], session: &Session<'_>) -> String {
    if artifacts.is_empty() {
        return String::new();
    }
    let mut table = Table::new([title, "kind", "where", "content"]);
    for artifact in artifacts {
        let kind = match artifact.text("relationship") {
            "" => artifact.text("type"),
            relationship => relationship,
        };
        table.row([
            Cell::painted(artifact.text("artifact_id"), Paint::Strong),
            kind.into(),
            artifact.text("path").into(),
            content(artifact),
        ]);
    }
    format!("\n{}", session.output.table(&table))
}
