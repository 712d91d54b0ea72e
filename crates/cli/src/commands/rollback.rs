//! `dats rollback CHECKPOINT`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::task_view::Facts;
use crate::client::in_path;
use crate::failure::{Exit, Failure};
use crate::json::Look;

const ASK_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// `dats rollback`
#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The checkpoint to return to
    checkpoint: String,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    /// Longest time to wait, in seconds; exit 4 after it
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_timeout: u64,
}

/// Returns to a checkpoint.
pub(super) async fn run(arguments: &RollbackArguments, session: &Session<'_>) -> Result<(), Failure> {
    let mut body = json!({ "dry_run": arguments.dry_run });
    if let (Some(members), Some(reason)) = (body.as_object_mut(), &arguments.reason) {
        members.insert("reason".to_owned(), json!(reason));
    }
    let path = format!("/checkpoints/{}/rollback", in_path(&arguments.checkpoint));
    let answer = session.client.post(&path, &body).await?;
    if arguments.dry_run || arguments.no_wait {
        return session.output.answer(&answer, || report(&answer, arguments.dry_run, session));
    }
    let id = answer.text("rollback_id").to_owned();
    let within = Duration::from_secs(arguments.wait_timeout);
    let done = tokio::time::timeout(within, until_done(&id, session)).await.unwrap_or_else(|_| {
        Err(Failure::new(Exit::Timeout, format!("rollback {id} is not done after {} s", within.as_secs()))
            .hint("It goes on by itself."))
    })?;
    session.output.answer(&done, || report(&done, false, session))?;
    if done.at("error").is_null() {
        return Ok(());
    }
    Err(Failure::failed(format!("the rollback was refused: {}", done.text("error.message"))))
}

async fn until_done(id: &str, session: &Session<'_>) -> Result<Value, Failure> {
    let _bar = session.output.progress("rolling back", None);
    loop {
        let rollback = session.client.get(&format!("/rollbacks/{}", in_path(id)), &[]).await;
        match rollback {
            Ok(rollback) if !is_under_way(&rollback) => return Ok(rollback),
            Ok(_) => {}
            // It is known there only once the request has arrived.
            Err(failure) if failure.exit == Exit::NotFound => {}
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}

fn is_under_way(rollback: &Value) -> bool {
    rollback.at("completed_at").is_null() && rollback.at("error").is_null()
}

fn report(rollback: &Value, dry_run: bool, session: &Session<'_>) -> String {
    let mut facts = Facts::new();
    facts.add("rollback", rollback.text("rollback_id"));
    facts.add("project", rollback.text("project_id"));
    facts.add("status", session.output.status(rollback.text("status")));
    let verb = if dry_run { "would be invalidated" } else { "invalidated" };
    if !rollback.at("records_invalidated").is_null() {
        facts.add("records", format!("{} {verb}", rollback.count("records_invalidated")));
        facts.add("artifacts", format!("{} to drop", rollback.list("artifact_ids").len()));
        facts.add("tasks", format!("{} to run again", rollback.list("task_ids").len()));
    }
    let mut text = facts.text(session);
    for task in rollback.list("task_ids") {
        text.push_str(&format!("  {}\n", crate::json::shown(task)));
    }
    text
}
