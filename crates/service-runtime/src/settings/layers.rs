//! The layers of settings and how they are put on top of each other.

use std::path::Path;

use config::{File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::environment;
use super::error::SettingsError;

/// Where settings come from, from the lowest layer to the highest.
#[derive(Debug)]
pub struct Layers<'a, E> {
    /// YAML compiled into the service. Every key is in it, with a comment: it is the manual.
    pub defaults: &'static str,
    /// The operator's file: TOML when its name ends in `.toml`, else YAML.
    pub file: Option<&'a Path>,
    /// Environment variables; usually [`std::env::vars`].
    pub environment: E,
}

/// Reads the settings of a service. The structs of `T` use `deny_unknown_fields`, so that a
/// mistyped key is told and not ignored.
///
/// # Errors
/// When a layer cannot be read, or when a key is unknown, missing or has a value of the wrong kind.
pub fn load<T: DeserializeOwned>(
    layers: Layers<'_, impl Iterator<Item = (String, String)>>,
) -> Result<T, SettingsError> {
    let defaults = Tree::from_text(layers.defaults, FileFormat::Yaml, "defaults")?;
    let mut stack = vec![Layer { name: "the defaults".to_owned(), tree: defaults.clone() }];
    let mut merged = defaults;
    if let Some(path) = layers.file {
        let tree = Tree::from_file(path)?;
        merged.merge(&tree);
        stack.push(Layer { name: path.display().to_string(), tree });
    }
    let tree = environment::read(layers.environment, &merged)?;
    merged.merge(&tree);
    stack.push(Layer { name: "the environment".to_owned(), tree });
    merged.0.try_deserialize().map_err(|error| SettingsError::from_reading(error, &stack))
}

/// One layer, with the name that error messages give it.
#[derive(Debug)]
pub(super) struct Layer {
    name: String,
    tree: Tree,
}

/// The value at `path` in the highest layer that has one, with the name of its origin.
pub(super) fn value_in<'a>(layers: &'a [Layer], path: &KeyPath) -> Option<(String, &'a Value)> {
    layers.iter().rev().find_map(|layer| {
        let value = layer.tree.get(path)?;
        Some((variable_of(value).unwrap_or_else(|| layer.name.clone()), value))
    })
}

/// The environment variable that set a value, or the first one that set something in it.
fn variable_of(value: &Value) -> Option<String> {
    let own = value.origin().filter(|origin| origin.starts_with(environment::ORIGIN));
    match (own, &value.kind) {
        (Some(origin), _) => Some(origin.to_owned()),
        (None, ValueKind::Table(table)) => table.values().find_map(variable_of),
        (None, _) => None,
    }
}

/// A dotted key, taken apart.
#[derive(Debug, Clone)]
pub(super) struct KeyPath(Vec<String>);

impl KeyPath {
    pub(super) fn new(segments: impl Iterator<Item = String>) -> Self {
        Self(segments.collect())
    }

    pub(super) fn parse(key: &str) -> Self {
        Self::new(key.split('.').map(str::to_owned))
    }
}

/// A tree of settings; its root is always a table.
#[derive(Debug, Clone)]
pub(super) struct Tree(Value);

impl Default for Tree {
    fn default() -> Self {
        Self(Value::new(None, Map::<String, Value>::new()))
    }
}

impl Tree {
    pub(super) fn from_text(text: &str, format: FileFormat, name: &str) -> Result<Self, SettingsError> {
        let table = File::from_str(text, format)
            .collect()
            .map_err(|error| SettingsError::in_layer(name, error.to_string()))?;
        Ok(Self(Value::new(None, table)))
    }

    fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::in_layer(&name, format!("cannot read the file: {error}")))?;
        let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        Self::from_text(&text, if is_toml { FileFormat::Toml } else { FileFormat::Yaml }, &name)
    }

    pub(super) fn contains(&self, path: &KeyPath) -> bool {
        self.get(path).is_some()
    }

    pub(super) fn get(&self, path: &KeyPath) -> Option<&Value> {
        path.0.iter().try_fold(&self.0, |value, segment| match &value.kind {
            ValueKind::Table(table) => table.get(segment),
            _ => None,
        })
    }

    /// Sets a value, making the tables on the way to it.
    pub(super) fn set(&mut self, path: &KeyPath, value: Value) {
        let mut node = &mut self.0;
        for segment in &path.0 {
            if !matches!(node.kind, ValueKind::Table(_)) {
                node.kind = ValueKind::Table(Map::new());
            }
            let ValueKind::Table(table) = &mut node.kind else { return };
            node = table.entry(segment.clone()).or_insert_with(|| Value::new(None, ValueKind::Nil));
        }
        *node = value;
    }

    /// Puts `above` on top: tables are merged key by key, everything else is replaced.
    fn merge(&mut self, above: &Self) {
        merge(&mut self.0, &above.0);
    }
}

fn merge(below: &mut Value, above: &Value) {
    match (&mut below.kind, &above.kind) {
        (ValueKind::Table(below), ValueKind::Table(above)) => {
            for (key, value) in above {
                match below.get_mut(key) {
                    Some(existing) => merge(existing, value),
                    None => {
                        below.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        _ => *below = above.clone(),
    }
}
