//! The services' own binaries read the settings that the manifests give them: an unknown key fails here, not there.

use std::process::{Command, Output};

use stand_ins::process;

use crate::SERVICES;
use crate::manifests::{Manifests, list};

/// What the service says of these settings, and nothing else of this machine's.
pub(crate) fn check(service: &str, environment: &[(String, String)]) -> Output {
    Command::new(process::program(service).expect("the services are built"))
        .arg("--check-config")
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("it runs")
}

/// The environment of a Deployment's container, with made-up secrets and references to variables filled in.
pub(crate) fn environment_of(manifests: &Manifests, service: &str) -> Vec<(String, String)> {
    let container = &manifests.deployment(service)["spec"]["template"]["spec"]["containers"][0];
    let mut environment: Vec<(String, String)> = manifests
        .environment(service)
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
        .collect();
    for variable in list(&container["env"]) {
        let name = variable["name"].as_str().expect("a name");
        let mut value = variable["value"].as_str().unwrap_or("made-up").to_owned();
        for (known, text) in &environment {
            value = value.replace(&format!("$({known})"), text);
        }
        environment.push((name.to_owned(), value));
    }
    environment
}

#[test]
fn every_setting_in_the_manifests_is_one_that_the_service_knows_and_takes() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let mut environment = environment_of(&manifests, service);
            let unfilled = environment.iter().find(|(_, value)| value.contains("$("));
            assert_eq!(unfilled, None, "{service}: refers to a variable that is not there");
            let good = check(service, &environment);
            let said = String::from_utf8_lossy(&good.stderr);
            assert!(good.status.success(), "{}: {service}: {said}", manifests.overlay);

            environment.push(("DATS_HTTP__HOAST".to_owned(), "0.0.0.0".to_owned()));
            let bad = check(service, &environment);
            assert_eq!(bad.status.code(), Some(64), "{service} takes any key");
            assert!(String::from_utf8_lossy(&bad.stderr).contains("http.hoast"));
        }
    }
}

#[test]
fn the_containers_that_migrate_reach_the_database_as_the_service_does() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let pod = &manifests.deployment(service)["spec"]["template"]["spec"];
            let variables = |container: &serde_json::Value| -> Vec<serde_json::Value> {
                let of_database = |variable: &&serde_json::Value| {
                    variable["name"].as_str().is_some_and(|name| name.starts_with("DATABASE_"))
                };
                list(&container["env"]).iter().filter(of_database).cloned().collect()
            };
            let main = &pod["containers"][0];
            let migrates = list(&pod["initContainers"]).first();
            assert_eq!(migrates.is_some(), !variables(main).is_empty(), "{service}");
            if let Some(init) = migrates {
                assert_eq!(init["args"], serde_json::json!(["migrate"]), "{service}");
                assert_eq!(variables(init), variables(main), "{service}");
                assert_eq!(init["image"], main["image"], "{service}");
                assert_eq!(init["envFrom"], main["envFrom"], "{service}");
            }
        }
    }
}
