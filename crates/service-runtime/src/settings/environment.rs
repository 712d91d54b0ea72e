//! The environment as a layer of settings: `DATS_<SECTION>__<KEY>` for every key, and the plain
//! names that other tools use for a few of them.

use config::{Value, ValueKind};

use super::error::SettingsError;
use super::layers::{KeyPath, Tree};

const PREFIX: &str = "DATS_";
const SEPARATOR: &str = "__";
/// How the origin of a value from here begins.
pub(super) const ORIGIN: &str = "environment variable";

/// Names without our prefix. They are shared by all services on a machine, so one that means
/// nothing to a service is passed over, not refused.
const PLAIN_NAMES: [(&str, &str); 9] = [
    ("DATABASE_URL", "storage.database_url"),
    // Before the URL, which it clears: see `read`.
    ("RABBITMQ_HOST", "events.rabbitmq.host"),
    ("RABBITMQ_URL", "events.rabbitmq.url"),
    ("RABBITMQ_PORT", "events.rabbitmq.port"),
    ("AGENT_SERVICE_URL", "routing.agent_service_url"),
    ("RAG_SERVICE_URL", "routing.rag_service_url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ("LOG_LEVEL", "telemetry.log_level"),
    ("SERVICE_PORT", "http.port"),
];

/// The settings in `variables`, on top of `below` (which tells lists from text and known plain
/// names from others). Empty values count as not set.
pub(super) fn read(
    variables: impl Iterator<Item = (String, String)>,
    below: &Tree,
) -> Result<Tree, SettingsError> {
    let mut variables: Vec<(String, String)> = variables.filter(|(_, value)| !value.is_empty()).collect();
    variables.sort();
    let mut tree = Tree::default();
    for (name, value) in &variables {
        if let Some(path) = prefixed(name) {
            tree.set(&path, parse(name, value, below.get(&path))?);
        }
    }
    for (name, key) in PLAIN_NAMES {
        let path = KeyPath::parse(key);
        let given = variables.iter().find(|(candidate, _)| candidate == name);
        if let (Some((_, value)), true) = (given, below.contains(&path)) {
            if name == "RABBITMQ_HOST" {
                // A URL wins over a host, but not one from a file over a host named here.
                tree.set(
                    &KeyPath::parse("events.rabbitmq.url"),
                    Value::new(Some(&origin(name)), ValueKind::Nil),
                );
            }
            tree.set(&path, parse(name, value, below.get(&path))?);
        }
    }
    Ok(tree)
}

/// The key a variable stands for. Names without `__` (`DATS_CONFIG`, `DATS_API_URL`) are not settings.
fn prefixed(name: &str) -> Option<KeyPath> {
    let rest = name.strip_prefix(PREFIX)?;
    rest.contains(SEPARATOR).then(|| KeyPath::new(rest.split(SEPARATOR).map(str::to_ascii_lowercase)))
}

/// Text stays text (numbers and booleans are read from it where one is wanted); a list is written
/// with commas, and anything deeper as inline YAML.
fn parse(name: &str, text: &str, below: Option<&Value>) -> Result<Value, SettingsError> {
    let origin = origin(name);
    let wants_list = below.is_some_and(|value| matches!(value.kind, ValueKind::Array(_)));
    let wants_table = below.is_some_and(|value| matches!(value.kind, ValueKind::Table(_)));
    let kind = if wants_table || (wants_list && text.trim_start().starts_with('[')) {
        inline_yaml(name, text, &origin)?
    } else if wants_list {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        ValueKind::Array(items.map(|item| Value::new(Some(&origin), item)).collect())
    } else {
        ValueKind::String(text.to_owned())
    };
    Ok(Value::new(Some(&origin), kind))
}

fn inline_yaml(name: &str, text: &str, origin: &str) -> Result<ValueKind, SettingsError> {
    let problem =
        |detail: String| SettingsError::in_layer(origin, format!("{name} is not inline YAML: {detail}"));
    let tree = Tree::from_text(&format!("value: {text}"), config::FileFormat::Yaml, origin)
        .map_err(|error| problem(error.to_string()))?;
    tree.get(&KeyPath::parse("value"))
        .map(|value| value.kind.clone())
        .ok_or_else(|| problem("it is empty".into()))
}

fn origin(name: &str) -> String {
    format!("{ORIGIN} {name}")
}
