//! `dats provenance verify`: goes through the chain of a project's records to its end.

use std::str::FromStr;

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
    /// What belongs to no project instead: records of unknown project, marks on what nobody produced
    #[arg(long, conflicts_with = "project")]
    unowned: bool,
    /// An end of the chain as an earlier run told it: nothing before it may have changed since
    #[arg(long, value_name = "LENGTH:HASH")]
    expect: Option<NotedEnd>,
}

/// An end of a chain as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotedEnd {
    length: u64,
    hash: String,
}

impl FromStr for NotedEnd {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = "must be a length and a hash of 64 hex digits, as in 12:ab...";
        let (length, hash) = text.split_once(':').ok_or(rule)?;
        let length = length.parse().ok().filter(|length| *length > 0).ok_or(rule)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { length, hash: hash.to_ascii_lowercase() }).ok_or(rule)
    }
}

/// Checks a project's records; exit 1 if anything was altered, removed, added or reordered.
pub(super) async fn run(arguments: &VerifyArguments, session: &Session<'_>) -> Result<(), Failure> {
    let project = (!arguments.unowned).then(|| session.project(arguments.project.as_deref()));
    let path = match &project {
        Some(project) => format!("/projects/{}/provenance/verify", in_path(project)),
        None => "/unowned/provenance/verify".to_owned(),
    };
    let (mut revisions, mut records) = (0, 0);
    let mut findings: Vec<Value> = Vec::new();
    let mut head = Value::Null;
    let mut query = arguments.expect.as_ref().map(NotedEnd::query).unwrap_or_default();
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
    session.output.answer(&answer, || text(&answer, arguments.expect.as_ref(), session))?;
    if intact { Ok(()) } else { Err(Failure::silent(Exit::Failed)) }
}

impl NotedEnd {
    fn query(&self) -> Vec<(&'static str, String)> {
        vec![("expect_length", self.length.to_string()), ("expect_hash", self.hash.clone())]
    }
}

fn text(answer: &Value, expected: Option<&NotedEnd>, session: &Session<'_>) -> String {
    let output = session.output;
    let whose = answer.at("project_id").as_str().unwrap_or("what belongs to no project");
    let head = answer.at("head");
    let end = format!("{}:{}", head.count("length"), head.text("hash"));
    if !answer.flag("intact") {
        let mut table = Table::new(["found", "record", "what"]);
        for finding in answer.list("findings") {
            table.row([
                Cell::painted(finding.text("kind"), Paint::Bad),
                finding.text("provenance_id").into(),
                finding.text("detail").into(),
            ]);
        }
        let bad = output.paint("not intact", Paint::Bad);
        let found = answer.list("findings").len();
        return format!("{}{whose} is {bad}: {found} findings.", output.table(&table));
    }
    let good = output.paint("intact", Paint::Good);
    if head.is_null() {
        return format!("{whose} is {good}: nothing was ever written of it.");
    }
    let noted = match expected {
        Some(_) => "The end that was noted lies in its chain: nothing before it was changed.\n",
        None => "",
    };
    format!(
        "{whose} is {good}: all {} records are as they were written.\n{noted}\
         Its chain ends at {end}\n\
         Note that elsewhere: with --expect it proves later that nothing before it was changed.",
        answer.count("records"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_end_is_a_length_and_a_hash() {
        let hash = "0aF9".repeat(16);
        let noted: NotedEnd = format!("12:{hash}").parse().unwrap();
        assert_eq!((noted.length, noted.hash), (12, hash.to_lowercase()));
        for wrong in
            ["", "12", &hash, &format!("0:{hash}"), &format!("-1:{hash}"), "12:ab", &format!("1:{hash}0")]
        {
            assert!(wrong.parse::<NotedEnd>().is_err(), "{wrong}");
        }
    }
}
