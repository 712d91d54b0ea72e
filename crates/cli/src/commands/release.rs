//! `dats release TASK`: lets a task go on that is held because of an input that was found wrong.

use clap::Args;
use serde_json::json;

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats release`
#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    /// The task
    task: String,
    /// Why its input will do all the same, for the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Lets a held task go on.
pub(super) async fn run(arguments: &ReleaseArguments, session: &Session<'_>) -> Result<(), Failure> {
    let task = &arguments.task;
    let body = json!({ "reason": arguments.reason });
    let answer = session.client.post(&format!("/tasks/{}/release", in_path(task)), &body).await?;
    session
        .output
        .answer(&answer, || format!("{task} {} and goes on", session.output.status(answer.text("status"))))
}
