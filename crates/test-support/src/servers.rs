//! Where the test servers are: from environment variables, else from `.data/local/env`, which
//! `make up` writes at the root of the checkout.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const ENV_FILE: &str = ".data/local/env";

/// Addresses of the PostgreSQL and RabbitMQ that tests use, with credentials.
#[derive(Debug, Clone)]
pub struct Servers {
    /// A role that may create databases, as a `postgres://` URL.
    pub database_admin_url: String,
    /// The broker, as an `amqp://` URL.
    pub broker_url: String,
    /// The broker's management API, as an `http://` URL with user and password.
    pub management_url: String,
}

impl Servers {
    /// The servers of this checkout.
    ///
    /// # Panics
    /// When they are not known: says how to start them.
    pub fn find() -> &'static Self {
        static FOUND: OnceLock<Servers> = OnceLock::new();
        FOUND.get_or_init(|| {
            let file = env_file().map(|path| parse(&read(&path))).unwrap_or_default();
            let get = |name: &str| {
                std::env::var(name)
                    .ok()
                    .filter(|value| !value.is_empty())
                    .or_else(|| file.get(name).cloned())
                    .unwrap_or_else(|| panic!("{name} is neither set nor in {ENV_FILE}: run `make up`"))
            };
            Self {
                database_admin_url: get("DATS_DATABASE_ADMIN_URL"),
                broker_url: get("RABBITMQ_URL"),
                management_url: get("RABBITMQ_MANAGEMENT_URL"),
            }
        })
    }

    /// The servers that settings of those names speak of, if they are complete.
    pub(crate) fn of_settings(settings: &HashMap<String, String>) -> Option<Self> {
        let get = |name: &str| settings.get(name).cloned();
        Some(Self {
            database_admin_url: get("DATS_DATABASE_ADMIN_URL")?,
            broker_url: get("RABBITMQ_URL")?,
            management_url: get("RABBITMQ_MANAGEMENT_URL")?,
        })
    }
}

/// `DATS_LOCAL_DIR` moves the data folder; else it is looked for from the tested crate upwards.
fn env_file() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("DATS_LOCAL_DIR") {
        return Some(PathBuf::from(folder).join("env")).filter(|path| path.exists());
    }
    let start = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    start.ancestors().map(|folder| folder.join(ENV_FILE)).find(|path| path.exists())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The `export NAME=value` lines of a shell file.
pub(crate) fn parse(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), unquote(value.trim()).to_owned()))
        .collect()
}

fn unquote(value: &str) -> &str {
    ['\'', '"'].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_with_and_without_quotes() {
        let found =
            parse("# made by a script\nexport A=one\nexport B='t w=o'\nexport C=\"three\"\nD=ignored\n");
        assert_eq!(found.len(), 3);
        assert_eq!((&*found["A"], &*found["B"], &*found["C"]), ("one", "t w=o", "three"));
    }
}
