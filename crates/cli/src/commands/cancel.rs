//! `dats cancel TASK...`

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats cancel`
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    /// The tasks
    #[arg(required = true)]
    tasks: Vec<String>,
    /// Why, for the history
    #[arg(long)]
    reason: Option<String>,
}

/// Cancels tasks, one after another; stops at the first that cannot be cancelled.
pub(super) async fn run(arguments: &CancelArguments, session: &Session<'_>) -> Result<(), Failure> {
    let body = match &arguments.reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({}),
    };
    for task in &arguments.tasks {
        let answer: Value = session.client.post(&format!("/tasks/{}/cancel", in_path(task)), &body).await?;
        session.output.answer(&answer, || {
            let status = session.output.status("cancelled");
            match answer.text("previous_status") {
                "" | "cancelled" => format!("{task} {status}"),
                previous => format!("{task} {status} (was {previous})"),
            }
        })?;
    }
    Ok(())
}
