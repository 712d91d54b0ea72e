//! `deploy/compose.yaml`: the services in it are built from our Dockerfiles, locked down, and take their settings.

use serde_json::{Value, json};

use crate::SERVICES;
use crate::manifests::read;
use crate::settings::check;

/// `${NAME:-default}` as it is when nothing is set.
fn with_defaults(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (expression, behind) = after.split_once('}').expect("a closing brace");
        let (_, default) = expression.split_once(":-").expect("a default: one command starts everything");
        filled.push_str(before);
        filled.push_str(default);
        rest = behind;
    }
    filled + rest
}

fn compose() -> Value {
    read(&crate::checkout("deploy/compose.yaml")).remove(0)
}

#[test]
fn services_are_built_here_and_locked_down() {
    let compose = compose();
    for service in SERVICES {
        let entry = &compose["services"][service];
        assert_eq!(entry["build"]["dockerfile"], format!("deploy/docker/{service}.Dockerfile"));
        assert_eq!(entry["read_only"], true, "{service}");
        assert_eq!(entry["cap_drop"], json!(["ALL"]), "{service}");
        assert_eq!(entry["profiles"], json!(["services"]), "{service}");
        for port in entry["ports"].as_array().unwrap() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{service} listens beyond loopback");
        }
    }
    for server in ["postgres", "rabbitmq"] {
        assert!(compose["services"][server]["profiles"].is_null(), "{server} starts without a profile");
    }
}

#[test]
fn services_take_their_settings() {
    let compose = compose();
    for service in SERVICES {
        let environment: Vec<(String, String)> = compose["services"][service]["environment"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), with_defaults(value.as_str().unwrap())))
            .collect();
        let said = check(service, &environment);
        assert!(said.status.success(), "{service}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
