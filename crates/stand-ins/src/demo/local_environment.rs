//! Where PostgreSQL and RabbitMQ are: from the environment, else from the file that `make up` writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

/// The file that `make up` writes, below the folder of the checkout.
const FILE: &str = ".data/local/env";

/// Connection settings of the local servers.
pub(super) struct LocalEnvironment {
    pub(super) gateway_database_url: String,
    pub(super) provenance_database_url: String,
    pub(super) rabbitmq_url: String,
    data: PathBuf,
}

impl LocalEnvironment {
    /// Where the demo keeps its logs and artifacts.
    pub(super) fn demo_folder(&self) -> PathBuf {
        self.data.join("demo")
    }
}

/// Finds them.
pub(super) fn find() -> anyhow::Result<LocalEnvironment> {
    let file = file_above(&std::env::current_dir()?)
        .or_else(|| std::env::current_exe().ok().and_then(|program| file_above(&program)));
    let written = match &file {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            parse(&text)
        }
        None => HashMap::new(),
    };
    let value = |name: &str| {
        std::env::var(name)
            .ok()
            .or_else(|| written.get(name).cloned())
            .ok_or_else(|| anyhow!("{name} is not set and there is no {FILE}: run `make up`"))
    };
    let data = file
        .as_deref()
        .and_then(|file| file.parent()?.parent())
        .map_or_else(|| std::env::temp_dir().join("dats"), Path::to_path_buf);
    Ok(LocalEnvironment {
        gateway_database_url: value("DATS_GATEWAY_DATABASE_URL")?,
        provenance_database_url: value("DATS_PROVENANCE_DATABASE_URL")?,
        rabbitmq_url: value("RABBITMQ_URL")?,
        data,
    })
}

fn file_above(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

/// Reads `export NAME=value` lines; values may stand in quotes.
fn parse(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['\'', '"']).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn export_lines_are_read_with_and_without_quotes() {
        let read = parse("# note\nexport A=amqp://x/%2f\nexport B='two words'\nC=3\n");
        assert_eq!(read.get("A").map(String::as_str), Some("amqp://x/%2f"));
        assert_eq!(read.get("B").map(String::as_str), Some("two words"));
        assert_eq!(read.get("C"), None);
    }
}
