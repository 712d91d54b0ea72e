//! `dats pause` and `dats resume`: of a project or of a tier.

use clap::Args;
use serde_json::json;

use super::Session;
use crate::client::in_path;
use crate::failure::Failure;

/// `dats pause` and `dats resume`
#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "what")]
pub(crate) struct What {
    /// A project
    #[arg(short, long)]
    project: Option<String>,
    /// A tier: tiny, small, large, frontier
    #[arg(short, long)]
    tier: Option<String>,
}

/// `dats pause` and `dats resume`
#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    #[command(flatten)]
    what: What,
    /// Why; whoever waits is told
    #[arg(long)]
    reason: Option<String>,
}

/// Pauses or resumes; `verb` is the last part of the path.
pub(super) async fn run(
    arguments: &PauseArguments,
    verb: &'static str,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let (path, what) = match (&arguments.what.project, &arguments.what.tier) {
        (Some(project), _) => {
            (format!("/projects/{}/{verb}", in_path(project)), format!("project {project}"))
        }
        (None, Some(tier)) => (format!("/tiers/{}/{verb}", in_path(tier)), format!("tier {tier}")),
        (None, None) => return Err(Failure::usage("name a project or a tier")),
    };
    let body = match &arguments.reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({}),
    };
    let answer = session.client.post(&path, &body).await?;
    session.output.answer(&answer, || format!("{what} {verb}d"))
}
