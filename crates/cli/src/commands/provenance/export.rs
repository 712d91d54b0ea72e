//! `dats provenance export`: a project's records as files, or one artifact's provenance.

mod folder;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::json;

use self::folder::Written;
use crate::client::in_path;
use crate::client::lines::Lines;
use crate::commands::Session;
use crate::failure::Failure;

/// `dats provenance export`
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Record, artifact or task: writes what it was built on to standard output
    #[arg(required_unless_present = "out", conflicts_with_all = ["project", "out"])]
    id: Option<String>,
    /// In which form
    #[arg(long, value_enum, default_value = "json", conflicts_with = "out")]
    format: Format,
    /// The project to write to a folder
    #[arg(short, long, requires = "out")]
    project: Option<String>,
    /// The folder: a file for each record, taint_events.json, checkpoints.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into a folder that has files already
    #[arg(long, requires = "out")]
    force: bool,
}

/// In which form one artifact's provenance is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// As in files.
    Json,
    /// W3C PROV-JSON.
    Prov,
}

/// Exports.
pub(super) async fn run(arguments: &ExportArguments, session: &Session<'_>) -> Result<(), Failure> {
    match (&arguments.id, &arguments.out) {
        (Some(id), _) => export_artifact(id, arguments.format, session).await,
        (None, Some(out)) => export_project(arguments, out, session).await,
        (None, None) => Err(Failure::usage("name an artifact, or a folder with --out")),
    }
}

async fn export_artifact(id: &str, format: Format, session: &Session<'_>) -> Result<(), Failure> {
    let format = match format {
        Format::Json => "json",
        Format::Prov => "prov",
    };
    let path = format!("/provenance/{}/export", in_path(id));
    let answer = session.client.get(&path, &[("format", format.to_owned())]).await?;
    session.output.line(&serde_json::to_string_pretty(&answer).unwrap_or_default())
}

async fn export_project(
    arguments: &ExportArguments,
    out: &std::path::Path,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let project = session.project(arguments.project.as_deref());
    let path = format!("/projects/{}/provenance/export", in_path(&project));
    let response = session.client.send(session.client.request(Method::GET, &path)).await?;
    let mut written = Written::begin(out, arguments.force)?;
    let mut lines = Lines::new(&session.client, response);
    let bar = session.output.progress("exporting", None);
    while let Some(line) = lines.next().await? {
        written.line(&line)?;
        bar.step();
    }
    let counts = written.end()?;
    drop(bar);
    let answer = json!({
        "project": project, "records": counts.records, "checkpoints": counts.checkpoints,
        "taint_events": counts.taint_events, "out": out.display().to_string(),
    });
    session.output.answer(&answer, || {
        format!(
            "{} records, {} checkpoints and {} taint events of {project} are in {}",
            counts.records,
            counts.checkpoints,
            counts.taint_events,
            out.display()
        )
    })
}
