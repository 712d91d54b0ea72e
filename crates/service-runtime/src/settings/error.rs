//! What is wrong with the settings, in one line.

use std::fmt;

use config::ConfigError;

use super::layers::{KeyPath, Layer, value_in};

/// A problem with the settings. `Display` is one line that names the key and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    key: Option<String>,
    layer: Option<String>,
    problem: String,
}

impl SettingsError {
    /// A value that can be read but makes no sense; for the checks of a service's own settings.
    #[must_use]
    pub fn invalid(key: &str, problem: impl Into<String>) -> Self {
        Self { key: Some(key.to_owned()), layer: None, problem: problem.into() }
    }

    /// The dotted key, where the problem is about one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// A problem with a layer as a whole.
    pub(super) fn in_layer(layer: &str, problem: impl Into<String>) -> Self {
        Self { key: None, layer: Some(layer.to_owned()), problem: problem.into() }
    }

    /// Turns the error of reading the merged layers into one that says where the value came from.
    /// `layers` are ordered from the lowest to the highest.
    pub(super) fn from_reading(error: ConfigError, layers: &[Layer]) -> Self {
        let (key, problem) = describe(error);
        let path = key.as_deref().map(KeyPath::parse);
        let found = path.as_ref().and_then(|path| value_in(layers, path));
        let problem = match (&found, problem) {
            (Some((_, value)), Problem::Text(_)) if matches!(value.kind, config::ValueKind::Nil) => {
                Problem::Missing
            }
            (_, problem) => problem,
        };
        Self {
            layer: found.filter(|_| problem != Problem::Missing).map(|(layer, _)| layer),
            problem: problem.text(key.as_deref()),
            key,
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bad settings: ")?;
        if let Some(key) = &self.key {
            write!(formatter, "{key}: ")?;
        }
        // Parsers like to draw pictures of the line; operators want one line in their log.
        formatter.write_str(&self.problem.split_whitespace().collect::<Vec<_>>().join(" "))?;
        if let Some(layer) = &self.layer {
            write!(formatter, " (in {layer})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Missing,
    Unknown,
    Text(String),
}

impl Problem {
    fn text(self, key: Option<&str>) -> String {
        match self {
            Self::Missing => format!(
                "not set: set it in the settings file or as {}",
                key.map(variable_name).unwrap_or_default()
            ),
            Self::Unknown => "no such setting".to_owned(),
            Self::Text(text) => text,
        }
    }
}

fn variable_name(key: &str) -> String {
    format!("DATS_{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// The dotted key of the value that cannot be read, and why.
fn describe(error: ConfigError) -> (Option<String>, Problem) {
    match error {
        ConfigError::NotFound(key) => (Some(key), Problem::Missing),
        ConfigError::Type { unexpected, expected, key, .. } => {
            (key, Problem::Text(format!("invalid value: {unexpected}, expected {expected}")))
        }
        ConfigError::At { error, key, .. } => {
            let (inner_key, problem) = describe(*error);
            (join(key, inner_key), problem)
        }
        ConfigError::Message(text) => match unknown_field(&text) {
            Some(field) => (Some(field.to_owned()), Problem::Unknown),
            None => (None, Problem::Text(unknown_variant(&text).unwrap_or(text))),
        },
        other => (None, Problem::Text(other.to_string())),
    }
}

fn join(outer: Option<String>, inner: Option<String>) -> Option<String> {
    match (outer, inner) {
        (Some(outer), Some(inner)) => Some(format!("{outer}.{inner}")),
        (outer, inner) => outer.or(inner),
    }
}

/// The name in serde's message about a key that a `deny_unknown_fields` struct does not have.
fn unknown_field(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix("unknown field `")?.split_once('`')?;
    Some(name)
}

/// The message about a value that is not one of those to choose from, without the names of our types.
fn unknown_variant(text: &str) -> Option<String> {
    let (_, value) = text.split_once(" does not have variant constructor ")?;
    Some(format!("invalid value: {value:?}"))
}
