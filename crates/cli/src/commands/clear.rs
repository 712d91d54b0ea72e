//! `dats clear ARTIFACT`

use clap::Args;
use serde_json::json;

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats clear`
#[derive(Debug, Args)]
pub(crate) struct ClearArguments {
    /// Artifact, record or task
    id: String,
    /// Why it can be trusted
    #[arg(long)]
    reason: String,
}

/// Takes a suspicion back.
pub(super) async fn run(arguments: &ClearArguments, session: &Session<'_>) -> Result<(), Failure> {
    let id = &arguments.id;
    let body = json!({ "reason": arguments.reason });
    let answer = session.client.post(&format!("/provenance/{}/clear", in_path(id)), &body).await?;
    session.output.answer(&answer, || match answer.at("cleared").as_bool() {
        Some(false) => format!("{id} was not suspect"),
        _ => format!("{id} cleared"),
    })
}
