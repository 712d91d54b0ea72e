//! Dashboards and alerts ask for metrics that the services describe, and every alert says what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::checkout;
use crate::manifests::{Manifests, list, read};

/// Metrics of others: of Prometheus itself, and of the broker's plugin.
const FOREIGN: [&str; 5] = [
    "up",
    "ALERTS",
    "rabbitmq_detailed_queue_messages_ready",
    "rabbitmq_detailed_queue_messages_unacked",
    "rabbitmq_detailed_queue_consumers",
];

fn rules() -> Value {
    read(&checkout("deploy/observability/rules/dats.yaml")).remove(0)
}

fn all_rules(rules: &Value) -> impl Iterator<Item = &Value> {
    list(&rules["groups"]).iter().flat_map(|group| list(&group["rules"]))
}

fn dashboards() -> Vec<(String, Value)> {
    let folder = fs::read_dir(checkout("deploy/observability/dashboards")).expect("dashboards");
    let mut found: Vec<(String, Value)> = folder
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a dashboard");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// The metrics that an expression names: words outside of quotes, labels and brackets that are no functions.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut word, mut quoted, mut depth) = (String::new(), false, 0);
    for letter in expression.chars().chain([' ']) {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        let in_word = letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        if in_word && !quoted && depth == 0 {
            word.push(letter);
            continue;
        }
        let is_metric = word.contains('_') && !word.ends_with("_quantile") && !word.ends_with("_over_time");
        if is_metric || FOREIGN.contains(&word.as_str()) {
            found.insert(std::mem::take(&mut word));
        }
        word.clear();
    }
    found
}

#[test]
fn metrics_are_found_in_expressions() {
    let expression =
        r#"histogram_quantile(0.9, sum by (a, le) (rate(x_seconds_bucket{b="c_d"}[5m]))) / up - a:b_c > 1"#;
    let found = metrics_in(expression);
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["a:b_c", "up", "x_seconds_bucket"]);
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The metrics that the services describe: the first argument of every `describe_...!`, a text or a constant of the file.
fn described() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ["api-gateway", "routing-engine", "provenance-store", "messaging", "service-runtime"] {
        let mut files = Vec::new();
        sources(&checkout(&format!("crates/{name}/src")), &mut files);
        for text in files.iter().map(|path| fs::read_to_string(path).expect("a source file")) {
            for (kind, rest) in calls(&text) {
                let first = rest.split([',', ')']).next().unwrap_or_default().trim();
                let named = first.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"'));
                let constant = || constant(&text, first.rsplit("::").next().unwrap_or_default());
                let Some(name) = named.map(str::to_owned).or_else(constant) else { continue };
                if kind == "histogram" {
                    found.extend(["_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
                    // Only histograms of known units have buckets; see service-runtime's metrics.
                    if ["_seconds", "_bytes", "_size"].iter().any(|suffix| name.ends_with(suffix)) {
                        found.insert(format!("{name}_bucket"));
                    }
                } else {
                    found.insert(name);
                }
            }
        }
    }
    found
}

/// Every `describe_<kind>!(` with what stands behind it.
fn calls(text: &str) -> Vec<(&str, &str)> {
    text.match_indices("describe_")
        .filter_map(|(at, word)| {
            let (kind, rest) = text.get(at + word.len()..)?.split_once("!(")?;
            ["counter", "gauge", "histogram"].contains(&kind).then_some((kind, rest))
        })
        .collect()
}

fn constant(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("const {name}: &str = \""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_that_are_described() {
    let (rules, described) = (rules(), described());
    assert!(described.contains("dats_outbox_rows") && described.len() > 30, "{described:?}");
    let recorded: Vec<&str> = all_rules(&rules).filter_map(|rule| rule["record"].as_str()).collect();
    let mut asked: Vec<(String, String)> = all_rules(&rules)
        .map(|rule| ("the rules".to_owned(), rule["expr"].as_str().expect("an expression").to_owned()))
        .collect();
    for (name, dashboard) in dashboards() {
        for panel in list(&dashboard["panels"]) {
            let whose = format!("{name}: {}", panel["title"]);
            assert!(!list(&panel["targets"]).is_empty(), "{whose} shows nothing");
            asked.extend(
                list(&panel["targets"]).iter().map(|target| {
                    (whose.clone(), target["expr"].as_str().expect("an expression").to_owned())
                }),
            );
        }
    }
    for (whose, expression) in asked {
        let metrics = metrics_in(&expression);
        assert!(!metrics.is_empty(), "{whose}: {expression}");
        for metric in metrics {
            let known = described.contains(&metric)
                || FOREIGN.contains(&metric.as_str())
                || recorded.contains(&metric.as_str());
            assert!(known, "{whose} asks for {metric}, which nobody describes");
        }
    }
}

#[test]
fn dashboards_are_whole() {
    let dashboards = dashboards();
    let names: Vec<&str> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["dats-overview", "dats-provenance", "dats-queues"]);
    for (name, dashboard) in &dashboards {
        assert_eq!(&dashboard["uid"], name);
        let ids: BTreeSet<_> =
            list(&dashboard["panels"]).iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
        assert_eq!(ids.len(), list(&dashboard["panels"]).len(), "{name}: every panel has an id of its own");
        for panel in list(&dashboard["panels"]) {
            let grid = &panel["gridPos"];
            let right = grid["x"].as_u64().unwrap() + grid["w"].as_u64().unwrap();
            assert!(right <= 24, "{name}: {} is beyond the edge", panel["title"]);
            assert!(panel["title"].is_string() && panel["type"].is_string(), "{name}: {panel}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {}", panel["title"]);
        }
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do_and_is_tested() {
    let operations = fs::read_to_string(checkout("docs/operations.md")).expect("docs/operations.md");
    let tests = fs::read_to_string(checkout("deploy/observability/rules/dats.test.yaml")).expect("tests");
    for rule in all_rules(&rules()).filter(|rule| rule["alert"].is_string()) {
        let alert = rule["alert"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{alert}");
        let runbook = format!("docs/operations.md#{}", alert.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], runbook, "{alert}");
        assert!(operations.contains(&format!("### {alert}\n")), "{alert} is not in docs/operations.md");
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} never fires in its tests");
    }
}

#[test]
fn the_cluster_has_the_same_alerts() {
    let production = Manifests::all().pop().expect("an overlay");
    let in_cluster = production.kind("PrometheusRule").next().expect("the alerts");
    assert_eq!(in_cluster["spec"]["groups"], rules()["groups"]);
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    let rules = checkout("deploy/observability/rules");
    for arguments in [["check", "rules", "dats.yaml"], ["test", "rules", "dats.test.yaml"]] {
        let Ok(output) = Command::new("promtool").args(arguments).current_dir(&rules).output() else {
            eprintln!("skipped: promtool is not installed (make verify-deploy installs it)");
            return;
        };
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}
