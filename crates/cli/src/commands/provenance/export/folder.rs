//! Writes the lines of an export as a folder of files, in the form in which the earlier system writes them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::commands::provenance::files::{CHECKPOINTS, TAINT_EVENTS};
use crate::failure::Failure;
use crate::json::Look;
use crate::json::text::pretty;

#[derive(Deserialize)]
struct Line<'a> {
    kind: &'a str,
    file: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) records: u64,
    pub(super) checkpoints: u64,
    pub(super) taint_events: u64,
}

/// A folder that is being written.
pub(super) struct Written {
    folder: PathBuf,
    overwrite: bool,
    counts: Counts,
    checkpoints: Option<BufWriter<File>>,
    taint_events: Option<BufWriter<File>>,
}

impl Written {
    /// Makes the folder. One that has files of this kind already is not touched unless `force`.
    pub(super) fn begin(folder: &Path, force: bool) -> Result<Self, Failure> {
        let cannot =
            |error: io::Error| Failure::failed(format!("cannot write to {}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(cannot)?;
        if !force {
            for entry in fs::read_dir(folder).map_err(cannot)? {
                if entry.map_err(cannot)?.path().extension().is_some_and(|extension| extension == "json") {
                    return Err(Failure::usage(format!("{} has JSON files already", folder.display()))
                        .hint("Name a new folder, or overwrite them with --force."));
                }
            }
        }
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            overwrite: force,
            counts: Counts::default(),
            checkpoints: None,
            taint_events: None,
        })
    }

    /// Writes what a line holds.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let line: Line<'_> = serde_json::from_str(line)
            .map_err(|error| Failure::failed(format!("the gateway sent a line that is none: {error}")))?;
        let written = match line.kind {
            "record" => self.record(&line),
            "checkpoint" => self.checkpoint(line.body.get()),
            _ => self.taint_event(line.body.get()),
        };
        written.map_err(|error| Failure::failed(format!("cannot write {}: {error}", line.file)))
    }

    fn record(&mut self, line: &Line<'_>) -> io::Result<()> {
        if line.file.contains(['/', '\\']) || line.file.starts_with('.') || line.file.is_empty() {
            return Err(io::Error::other("not the name of a file in this folder"));
        }
        self.counts.records += 1;
        let path = self.folder.join(&line.file);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!self.overwrite);
        options.open(path)?.write_all(pretty(line.body.get(), 0).as_bytes())
    }

    fn checkpoint(&mut self, body: &str) -> io::Result<()> {
        let id = serde_json::from_str::<Value>(body).unwrap_or_default().text("id").to_owned();
        self.counts.checkpoints += 1;
        let text = format!("{}: {}", pretty(&Value::from(id).to_string(), 0), pretty(body, 1));
        element(&mut self.checkpoints, &self.folder.join(CHECKPOINTS), "{", &text)
    }

    fn taint_event(&mut self, body: &str) -> io::Result<()> {
        self.counts.taint_events += 1;
        element(&mut self.taint_events, &self.folder.join(TAINT_EVENTS), "[", &pretty(body, 1))
    }

    /// Closes what is open.
    pub(super) fn end(mut self) -> Result<Counts, Failure> {
        let mut close = || {
            if let Some(mut file) = self.checkpoints.take() {
                file.write_all(b"\n}")?;
                file.flush()?;
            }
            if let Some(mut file) = self.taint_events.take() {
                file.write_all(b"\n]")?;
                file.flush()?;
            }
            Ok(())
        };
        let closed: io::Result<()> = close();
        closed.map_err(|error| {
            Failure::failed(format!("cannot write to {}: {error}", self.folder.display()))
        })?;
        Ok(self.counts)
    }
}

/// Adds an element to a file that is begun with its first.
fn element(file: &mut Option<BufWriter<File>>, path: &Path, opens: &str, text: &str) -> io::Result<()> {
    let (file, before) = match file {
        Some(file) => (file, ",\n  "),
        None => {
            let file = file.insert(BufWriter::new(File::create(path)?));
            file.write_all(opens.as_bytes())?;
            (file, "\n  ")
        }
    };
    file.write_all(before.as_bytes())?;
    file.write_all(text.as_bytes())
}
