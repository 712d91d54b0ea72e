//! `dats retry TASK`

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::Session;
use super::watch::{Told, conclude, follow};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats retry`
#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// A failed or cancelled task
    task: String,
    /// Tell every change until it has ended; exit 1 if it failed
    #[arg(short, long)]
    watch: bool,
    /// Longest time to watch, in seconds; exit 4 after it
    #[arg(long, value_name = "SECONDS", requires = "watch")]
    wait_timeout: Option<u64>,
}

/// Starts another attempt.
pub(super) async fn run(arguments: &RetryArguments, session: &Session<'_>) -> Result<(), Failure> {
    let task = &arguments.task;
    let answer = session.client.post(&format!("/tasks/{}/retry", in_path(task)), &json!({})).await?;
    if !arguments.watch {
        return session.output.answer(&answer, || {
            format!(
                "{task} {}, attempt {}",
                session.output.status(answer.text("status")),
                answer.count("attempt")
            )
        });
    }
    let within = arguments.wait_timeout.map(Duration::from_secs);
    conclude(&follow(task, Told::EachChange, within, session).await?)
}
