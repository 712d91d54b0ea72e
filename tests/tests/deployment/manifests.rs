//! The manifests of an overlay: rendered by kubectl where there is one, else read as they are, without patches.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use crate::checkout;

/// Every overlay.
pub(crate) const OVERLAYS: [&str; 2] = ["local", "production"];

/// The objects of an overlay.
pub(crate) struct Manifests {
    /// Its name.
    pub(crate) overlay: &'static str,
    /// All objects.
    pub(crate) objects: Vec<Value>,
    /// Whether patches are applied.
    pub(crate) patched: bool,
}

impl Manifests {
    /// The manifests of every overlay.
    pub(crate) fn all() -> Vec<Self> {
        OVERLAYS.map(Self::of).into()
    }

    fn of(overlay: &'static str) -> Self {
        let folder = checkout("deploy/k8s/overlays").join(overlay);
        if let Some(objects) = render(&folder) {
            return Self { overlay, objects, patched: true };
        }
        eprintln!("kubectl is not here: {overlay} is read without its patches");
        let mut objects = Vec::new();
        read_folder(&folder, &mut objects);
        Self { overlay, objects, patched: false }
    }

    /// The objects of a kind.
    pub(crate) fn kind<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The Deployment of one of our services.
    pub(crate) fn deployment(&self, service: &str) -> &Value {
        self.kind("Deployment").find(|object| object["metadata"]["name"] == service).expect("a Deployment")
    }

    /// The data of the ConfigMap that a Deployment's first container takes its environment from.
    pub(crate) fn environment(&self, service: &str) -> Map<String, Value> {
        let container = &self.deployment(service)["spec"]["template"]["spec"]["containers"][0];
        let name = &container["envFrom"][0]["configMapRef"]["name"];
        let found = self.kind("ConfigMap").find(|object| &object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("{}: no ConfigMap {name}", self.overlay))["data"]
            .as_object()
            .expect("data")
            .clone()
    }
}

/// The name of an object, for messages.
pub(crate) fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Whether all of `wanted` are among `labels`.
pub(crate) fn matches(wanted: &Value, labels: &Value) -> bool {
    let wanted = wanted.as_object().expect("labels to look for");
    !wanted.is_empty() && wanted.iter().all(|(key, value)| &labels[key] == value)
}

fn render(folder: &Path) -> Option<Vec<Value>> {
    let rendered = Command::new("kubectl").arg("kustomize").arg(folder).output().ok()?;
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    Some(documents(&String::from_utf8(rendered.stdout).expect("UTF-8")))
}

/// Resources and generated ConfigMaps and Secrets of a folder and of those below it.
fn read_folder(folder: &Path, objects: &mut Vec<Value>) {
    let kustomization = &read(&folder.join("kustomization.yaml"))[0];
    for resource in list(&kustomization["resources"]) {
        let path = folder.join(resource.as_str().expect("a path"));
        if path.is_dir() { read_folder(&path, objects) } else { objects.extend(read(&path)) }
    }
    for (field, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        for generator in list(&kustomization[field]) {
            generate(generator, kind, objects);
        }
    }
}

fn generate(generator: &Value, kind: &str, objects: &mut Vec<Value>) {
    let pairs = list(&generator["literals"]).iter().filter_map(Value::as_str);
    let data: Map<String, Value> = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    let same =
        |object: &&mut Value| object["kind"] == kind && object["metadata"]["name"] == generator["name"];
    match objects.iter_mut().find(same) {
        Some(object) => object["data"].as_object_mut().expect("data").extend(data),
        None => objects.push(json!({ "kind": kind, "apiVersion": "v1",
            "metadata": { "name": generator["name"] }, "data": data })),
    }
}

/// The documents of a YAML file.
pub(crate) fn read(path: &Path) -> Vec<Value> {
    documents(&std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn documents(text: &str) -> Vec<Value> {
    YamlLoader::load_from_str(text).expect("YAML").iter().map(to_json).collect()
}

/// A list, or an empty one.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, Into::into),
        Yaml::Integer(number) => json!(number),
        Yaml::String(text) => json!(text),
        Yaml::Boolean(flag) => json!(flag),
        Yaml::Array(items) => items.iter().map(to_json).collect(),
        Yaml::Hash(members) => merged(members),
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

/// An object; what `<<` refers to stands below its own members.
fn merged(members: &yaml_rust2::yaml::Hash) -> Value {
    let (mut below, mut own) = (Map::new(), Map::new());
    for (key, value) in members {
        match (key.as_str().unwrap_or_default(), to_json(value)) {
            ("<<", Value::Object(base)) => below.extend(base),
            (key, value) => {
                own.insert(key.to_owned(), value);
            }
        }
    }
    below.extend(own);
    Value::Object(below)
}
