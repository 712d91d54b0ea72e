//! Writes the lines of an export as a folder of files, in the form in which the earlier system writes them. They are
//! written aside, within the folder, and moved to their places when all have come: an export that breaks off leaves
//! nothing that the next one would take for files.

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
    /// Of a checkpoint that does not tell its own id.
    #[serde(default)]
    key: Option<String>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// Where files lie until all have come; what an export that was killed left there is thrown away by the next.
const UNDER_WAY: &str = ".export-under-way";

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
    /// Whether there was no such folder before.
    is_new: bool,
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
        let is_new = !folder.exists();
        fs::create_dir_all(folder).map_err(cannot)?;
        if !force {
            for entry in fs::read_dir(folder).map_err(cannot)? {
                if entry.map_err(cannot)?.path().extension().is_some_and(|extension| extension == "json") {
                    return Err(Failure::usage(format!("{} has JSON files already", folder.display()))
                        .hint("Name a new folder, or overwrite them with --force."));
                }
            }
        }
        let written = Self {
            folder: folder.to_owned(),
            is_new,
            overwrite: force,
            counts: Counts::default(),
            checkpoints: None,
            taint_events: None,
        };
        remove(&written.aside()).and_then(|()| fs::create_dir(written.aside())).map_err(cannot)?;
        Ok(written)
    }

    fn aside(&self) -> PathBuf {
        self.folder.join(UNDER_WAY)
    }

    /// Writes what a line holds.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let line: Line<'_> = serde_json::from_str(line)
            .map_err(|error| Failure::failed(format!("the gateway sent a line that is none: {error}")))?;
        let written = match line.kind {
            "record" => self.record(&line),
            "checkpoint" => self.checkpoint(&line),
            _ => self.taint_event(line.body.get()),
        };
        written.map_err(|error| Failure::failed(format!("cannot write {}: {error}", line.file)))
    }

    fn record(&mut self, line: &Line<'_>) -> io::Result<()> {
        if line.file.contains(['/', '\\']) || line.file.starts_with('.') || line.file.is_empty() {
            return Err(io::Error::other("not the name of a file in this folder"));
        }
        self.counts.records += 1;
        let path = self.aside().join(&line.file);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!self.overwrite);
        options.open(path)?.write_all(pretty(line.body.get(), 0).as_bytes())
    }

    fn checkpoint(&mut self, line: &Line<'_>) -> io::Result<()> {
        let body = line.body.get();
        let own_id = || serde_json::from_str::<Value>(body).unwrap_or_default().text("id").to_owned();
        let id = line.key.clone().unwrap_or_else(own_id);
        self.counts.checkpoints += 1;
        let text = format!("{}: {}", pretty(&Value::from(id).to_string(), 0), pretty(body, 1));
        let path = self.aside().join(CHECKPOINTS);
        element(&mut self.checkpoints, &path, "{", &text)
    }

    fn taint_event(&mut self, body: &str) -> io::Result<()> {
        self.counts.taint_events += 1;
        let path = self.aside().join(TAINT_EVENTS);
        element(&mut self.taint_events, &path, "[", &pretty(body, 1))
    }

    /// Closes what is open, and moves everything to its place.
    pub(super) fn end(mut self) -> Result<Counts, Failure> {
        let settled = self.close().and_then(|()| self.settle());
        settled.map_err(|error| {
            Failure::failed(format!("cannot write to {}: {error}", self.folder.display()))
        })?;
        self.is_new = false;
        Ok(self.counts)
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.checkpoints.take() {
            file.write_all(b"\n}")?;
            file.flush()?;
        }
        if let Some(mut file) = self.taint_events.take() {
            file.write_all(b"\n]")?;
            file.flush()?;
        }
        Ok(())
    }

    fn settle(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.aside())? {
            let entry = entry?;
            let place = self.folder.join(entry.file_name());
            if !self.overwrite && place.exists() {
                return Err(io::Error::other(format!("somebody else wrote {}", place.display())));
            }
            fs::rename(entry.path(), place)?;
        }
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // What cannot be cleared away now is by the next export.
        let _ = remove(&self.aside());
        if self.is_new {
            // Succeeds only if it is empty, which is what is wanted.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of one's own that is not there yet.
    fn nowhere(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("dats-export-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn record(file: &str) -> String {
        format!(r#"{{"kind":"record","file":"{file}","body":{{"id":"a"}}}}"#)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_export_that_breaks_off_leaves_nothing_behind() {
        let folder = nowhere("broken");
        let mut written = Written::begin(&folder, false).unwrap();
        written.line(&record("a.json")).unwrap();
        written.line("{").unwrap_err();
        drop(written);
        assert!(!folder.exists());

        // One that was killed could not even clear away.
        fs::create_dir_all(folder.join(UNDER_WAY)).unwrap();
        fs::write(folder.join(UNDER_WAY).join("old.json"), "{}").unwrap();
        let mut written = Written::begin(&folder, false).unwrap();
        written.line(&record("a.json")).unwrap();
        assert_eq!(written.end().unwrap().records, 1);
        assert_eq!(names(&folder), ["a.json"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_are_overwritten_only_when_that_is_wanted_and_others_stay() {
        let folder = nowhere("forced");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        fs::write(folder.join("a.json"), "old").unwrap();
        assert!(Written::begin(&folder, false).is_err());
        let mut written = Written::begin(&folder, true).unwrap();
        written.line(&record("a.json")).unwrap();
        written.end().unwrap();
        assert_eq!(names(&folder), ["a.json", "notes.txt"]);
        assert_ne!(fs::read_to_string(folder.join("a.json")).unwrap(), "old");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_checkpoint_that_tells_no_id_is_written_under_its_key() {
        let folder = nowhere("keys");
        let mut written = Written::begin(&folder, false).unwrap();
        written.line(r#"{"kind":"checkpoint","file":"checkpoints.json","key":"k","body":{"x":1}}"#).unwrap();
        written.end().unwrap();
        let text = fs::read_to_string(folder.join(CHECKPOINTS)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::json!({"k": {"x": 1}}));
        fs::remove_dir_all(&folder).unwrap();
    }
}
