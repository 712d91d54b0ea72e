//! `dats taint ARTIFACT`

use clap::Args;
use serde_json::json;

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;

/// `dats taint`
#[derive(Debug, Args)]
pub(crate) struct TaintArguments {
    /// Artifact, record or task
    id: String,
    /// What is wrong with it
    #[arg(long)]
    reason: String,
    /// How bad: low, medium, high, critical
    #[arg(long)]
    severity: Option<String>,
}

/// Marks an artifact.
pub(super) async fn run(arguments: &TaintArguments, session: &Session<'_>) -> Result<(), Failure> {
    let mut body = json!({ "reason": arguments.reason });
    if let (Some(members), Some(severity)) = (body.as_object_mut(), &arguments.severity) {
        members.insert("severity".to_owned(), json!(severity));
    }
    let id = &arguments.id;
    let answer = session.client.post(&format!("/provenance/{}/taint", in_path(id)), &body).await?;
    session.output.answer(&answer, || {
        let cascade = answer.text("cascade_id");
        format!(
            "{id} {}, cascade {cascade}\n\
             What was built on it: dats provenance impact {id}\n\
             Take it back:         dats clear {id} --reason ...",
            session.output.status("tainted")
        )
    })
}
