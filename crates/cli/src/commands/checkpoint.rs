//! `dats checkpoint`

use clap::{Args, Subcommand};
use serde_json::json;

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// `dats checkpoint`
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Make a checkpoint of a project
    Create(CreateArguments),
    /// List a project's checkpoints
    List(ListArguments),
}

/// `dats checkpoint create`
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// The project
    #[arg(short, long)]
    project: Option<String>,
    /// What this state is
    description: Option<String>,
}

/// `dats checkpoint list`
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The project
    #[arg(short, long)]
    project: Option<String>,
}

/// Runs `dats checkpoint`.
pub(super) async fn run(command: CheckpointCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        CheckpointCommand::Create(arguments) => create(&arguments, session).await,
        CheckpointCommand::List(arguments) => list(&arguments, session).await,
    }
}

async fn create(arguments: &CreateArguments, session: &Session<'_>) -> Result<(), Failure> {
    let path = path_of(arguments.project.as_deref(), session);
    let body = match &arguments.description {
        Some(description) => json!({ "description": description }),
        None => json!({}),
    };
    let answer = session.client.post(&path, &body).await?;
    session.output.answer(&answer, || answer.text("checkpoint_id").to_owned())
}

async fn list(arguments: &ListArguments, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get(&path_of(arguments.project.as_deref(), session), &[]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["checkpoint", "state", "records", "made by", "made", "description"]);
        table.may_leave_out(["made by", "records"]);
        for checkpoint in answer.list("checkpoints") {
            table.row([
                Cell::painted(checkpoint.text("checkpoint_id"), Paint::Faint),
                Cell::status(if checkpoint.flag("is_valid") { "valid" } else { "invalid" }),
                checkpoint.shown("provenance_count").into(),
                checkpoint.text("trigger").into(),
                time::ago(checkpoint.text("created_at"), session.now).into(),
                checkpoint.text("description").into(),
            ]);
        }
        if table.is_empty() {
            let hint = "They are made after a hundred records, daily, and by dats checkpoint create.";
            return session.output.nothing("no checkpoints", hint);
        }
        session.output.table(&table)
    })
}

fn path_of(project: Option<&str>, session: &Session<'_>) -> String {
    format!("/projects/{}/checkpoints", in_path(session.project(project)))
}
