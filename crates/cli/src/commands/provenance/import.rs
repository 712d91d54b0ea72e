//! `dats provenance import DIR`: sends a folder of record files to the gateway and tells what became of each.

mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::stream;
use reqwest::{Body, Method};
use serde_json::Value;
use tokio::sync::mpsc;

use self::report::Report;
use super::files::{Folder, Given, checkpoint_lines, record_line, taint_event_lines};
use crate::client::lines::Lines;
use crate::commands::Session;
use crate::failure::{Exit, Failure};
use crate::output::Progress;

/// Files read ahead of what the gateway has taken.
const READ_AHEAD: usize = 256;
/// What a gateway takes unless it is set otherwise.
const MOST_LINE_BYTES: usize = 8 * 1024 * 1024;

/// `dats provenance import`
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The folder: a file for each record, taint_events.json, checkpoints.json
    folder: PathBuf,
    /// Only say what would become of each file; nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// Also write the report to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Most bytes of a line that the gateway takes: its setting provenance.max_import_line_bytes
    #[arg(long, value_name = "BYTES", default_value_t = MOST_LINE_BYTES)]
    max_line_bytes: usize,
}

/// Imports a folder; exit 1 if anything was refused.
pub(super) async fn run(arguments: &ImportArguments, session: &Session<'_>) -> Result<(), Failure> {
    let folder = {
        let bar = session.output.progress("looking", None);
        Folder::scan(&arguments.folder, || bar.step())?
    };
    let mut report = Report::new(arguments.dry_run);
    let length = u64::try_from(folder.records.len()).ok();
    let bar = session.output.progress("importing", length);
    let sent = send(folder, arguments, &bar, &mut report, session).await;
    drop(bar);
    if let Some(path) = &arguments.report {
        report.write(path)?;
    }
    // What was taken before it broke off stays taken and is told.
    session.output.answer(&report.to_json(), || report.text(session.output))?;
    sent?;
    if report.is_refused() { Err(Failure::silent(Exit::Failed)) } else { Ok(()) }
}

async fn send(
    folder: Folder,
    arguments: &ImportArguments,
    bar: &Progress,
    report: &mut Report,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let (give, mut given) = mpsc::channel(READ_AHEAD);
    let most_bytes = arguments.max_line_bytes;
    let reading = tokio::task::spawn_blocking(move || read(folder, most_bytes, &give));
    let (refuse, mut refused) = mpsc::unbounded_channel();
    let lines = stream::poll_fn(move |context| {
        loop {
            return match std::task::ready!(given.poll_recv(context)) {
                Some(Given::Line(line)) => std::task::Poll::Ready(Some(Ok::<_, std::io::Error>(line))),
                Some(Given::Refused { file, reason }) => {
                    // Nobody listens once the answer broke off, and then it does not matter.
                    let _ = refuse.send((file, reason));
                    continue;
                }
                None => std::task::Poll::Ready(None),
            };
        }
    });
    let mut request = session.client.request(Method::POST, "/provenance/import");
    if arguments.dry_run {
        request = request.query(&[("dry_run", "true")]);
    }
    let request = request.header("content-type", "application/x-ndjson").body(Body::wrap_stream(lines));
    let response = session.client.send(request).await?;
    let mut lines = Lines::new(&session.client, response);
    while let Some(line) = lines.next().await? {
        report.add(&serde_json::from_str::<Value>(&line).unwrap_or_default());
        bar.step();
    }
    while let Ok((file, reason)) = refused.try_recv() {
        report.refuse(file, reason);
    }
    reading
        .await
        .map_err(|error| Failure::failed(format!("the folder could not be read to its end: {error}")))
}

/// Reads file after file, no faster than they are sent. Records first: events and checkpoints are about them.
fn read(folder: Folder, most_bytes: usize, give: &mpsc::Sender<Given>) {
    let elements = |path: Option<PathBuf>, read: fn(&Path, usize) -> Vec<Given>| {
        path.into_iter().flat_map(move |path| read(&path, most_bytes))
    };
    let refused = folder.refused.iter().cloned().map(|(file, reason)| Given::Refused { file, reason });
    let records = folder.records.iter().map(|path| record_line(path, most_bytes));
    let checkpoints = elements(folder.checkpoints.clone(), checkpoint_lines);
    let events = elements(folder.taint_events.clone(), taint_event_lines);
    for given in refused.chain(records).chain(checkpoints).chain(events) {
        // The other end is gone when the gateway broke off.
        if give.blocking_send(given).is_err() {
            return;
        }
    }
}
