//! `dats keys`: API keys.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// `dats keys`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key; it is shown this once
    Create(CreateArguments),
    /// List keys
    List,
    /// Make a key useless, at once and for good
    Revoke {
        /// The key's id
        key: String,
    },
}

/// `dats keys create`
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// Whose it is
    name: String,
    /// What it may do: read, write, admin; may be repeated
    #[arg(long = "scope", required = true)]
    scopes: Vec<String>,
    /// The only projects it may see; may be repeated
    #[arg(long = "project")]
    projects: Vec<String>,
}

/// Runs `dats keys`.
pub(super) async fn run(command: KeysCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(arguments) => create(&arguments, session).await,
        KeysCommand::List => list(session).await,
        KeysCommand::Revoke { key } => {
            let answer = session.client.delete(&format!("/keys/{}", in_path(&key))).await?;
            session.output.answer(&answer, || format!("{key} revoked"))
        }
    }
}

/// The key alone goes to standard output, so that it can be piped where it belongs.
async fn create(arguments: &CreateArguments, session: &Session<'_>) -> Result<(), Failure> {
    let mut body = json!({ "name": arguments.name, "scopes": arguments.scopes });
    if let (Some(members), false) = (body.as_object_mut(), arguments.projects.is_empty()) {
        members.insert("projects".to_owned(), json!(arguments.projects));
    }
    let answer = session.client.post("/keys", &body).await?;
    if !session.output.is_json() {
        session.output.note("Keep this key; it cannot be shown again.");
    }
    session.output.answer(&answer, || answer.text("key").to_owned())
}

async fn list(session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/keys", &[]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["key", "name", "scopes", "projects", "state", "made"]);
        for key in answer.list("keys") {
            table.row([
                Cell::painted(key.text("key_id"), Paint::Faint),
                key.text("name").into(),
                key.shown("scopes").into(),
                projects(key).into(),
                Cell::status(if key.at("revoked_at").is_null() { "active" } else { "revoked" }),
                time::ago(key.text("created_at"), session.now).into(),
            ]);
        }
        if table.is_empty() {
            let hint = "Make the first one beside the gateway: api-gateway keys create.";
            return session.output.nothing("no keys", hint);
        }
        session.output.table(&table)
    })
}

fn projects(key: &Value) -> String {
    match key.shown("projects").as_str() {
        "" => "all".to_owned(),
        projects => projects.to_owned(),
    }
}
