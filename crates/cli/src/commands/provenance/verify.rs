//! `dats provenance verify`: goes through the chain of a project's records to its end.

use clap::Args;
use serde_json::{Value, json};

use crate::client::in_path;
use crate::commands::Session;
use crate::failure::{Exit, Failure};
use crate::json::Look;
use crate::output::{Cell, Paint, Table};

/// `dats provenance verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The project
    #[arg(short, long)]
    project: Option<String>,
}

/// Checks a project's records; exit 1 if anything was altered, removed, added or reordered.
pub(super) async fn run(arguments: &VerifyArguments, session: &Session<'_>) -> Result<(), Failure> {
    let project = session.project(arguments.project.as_deref());
    let path = format!("/projects/{}/provenance/verify", in_path(&project));
    let (mut revisions, mut records) = (0, 0);
    let mut findings: Vec<Value> = Vec::new();
    let mut head = Value::Null;
    let mut query = Vec::new();
    let bar = session.output.progress("verifying", None);
    loop {
        let page = session.client.get(&path, &query).await?;
        revisions += page.count("revisions");
        records += page.count("records");
        findings.extend(page.list("findings").iter().cloned());
        if !page.at("head").is_null() {
            head = page.at("head").clone();
        }
        bar.set(revisions + records);
        let Some(cursor) = page.at("next_cursor").as_str() else { break };
        query = vec![("cursor", cursor.to_owned())];
    }
    drop(bar);
    let intact = findings.is_empty();
    let answer = json!({
        "project_id": project, "intact": intact, "revisions": revisions, "records": records,
        "findings": findings, "head": head,
    });
    session.output.answer(&answer, || text(&answer, session))?;
    if intact { Ok(()) } else { Err(Failure::silent(Exit::Failed)) }
}

fn text(answer: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let (project, records) = (answer.text("project_id"), answer.count("records"));
    if answer.flag("intact") {
        let good = output.paint("intact", Paint::Good);
        let head = answer.text("head.hash");
        return format!(
            "{project} is {good}: all {records} records are as they were written.\n\
             Its chain ends in {head}; who notes that elsewhere can prove later that nothing before it was changed."
        );
    }
    let mut table = Table::new(["found", "record", "what"]);
    for finding in answer.list("findings") {
        table.row([
            Cell::painted(finding.text("kind"), Paint::Bad),
            finding.text("provenance_id").into(),
            finding.text("detail").into(),
        ]);
    }
    let bad = output.paint("not intact", Paint::Bad);
    format!("{}{project} is {bad}: {} findings.", output.table(&table), answer.list("findings").len())
}
