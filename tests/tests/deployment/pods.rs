//! Every pod is locked down, probed, bounded, and given the time to drain.

use serde_json::{Value, json};

use crate::SERVICES;
use crate::manifests::{Manifests, list, name};

fn containers(deployment: &Value) -> impl Iterator<Item = &Value> {
    let pod = &deployment["spec"]["template"]["spec"];
    list(&pod["initContainers"]).iter().chain(list(&pod["containers"]))
}

#[test]
fn every_container_is_locked_down_and_bounded() {
    for manifests in Manifests::all() {
        for deployment in manifests.kind("Deployment") {
            let pod = &deployment["spec"]["template"]["spec"];
            let whose = format!("{}: {}", manifests.overlay, name(deployment));
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{whose}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{whose}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{whose}");
            for container in containers(deployment) {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{whose}");
                assert_eq!(context["readOnlyRootFilesystem"], true, "{whose}");
                assert_eq!(context["capabilities"]["drop"], json!(["ALL"]), "{whose}");
                for kind in ["requests", "limits"] {
                    for what in ["cpu", "memory"] {
                        assert!(container["resources"][kind][what].is_string(), "{whose}: {kind} {what}");
                    }
                }
            }
        }
    }
}

#[test]
fn our_services_are_probed_where_they_answer() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let container = &manifests.deployment(service)["spec"]["template"]["spec"]["containers"][0];
            let environment = manifests.environment(service);
            let ops = environment.get("DATS_HTTP__OPS_PORT").unwrap_or(&environment["DATS_HTTP__PORT"]);
            let port = list(&container["ports"]).iter().find(|port| port["name"] == "ops").expect("ops");
            assert_eq!(port["containerPort"].to_string(), ops.as_str().unwrap(), "{service}");
            for (probe, path) in
                [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
            {
                let request = &container[probe]["httpGet"];
                assert_eq!(request["port"], "ops", "{service}: {probe}");
                assert!(request["path"].as_str().unwrap().starts_with(path), "{service}: {probe}");
            }
        }
    }
}

#[test]
fn a_pod_is_not_killed_before_its_drain_can_be_over() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let environment = manifests.environment(service);
            let seconds = |key: &str| environment[key].as_str().unwrap().parse::<u64>().unwrap();
            let drain = seconds("DATS_RUNTIME__DRAIN_DELAY_SECONDS") + seconds("DATS_RUNTIME__DRAIN_SECONDS");
            let pod = &manifests.deployment(service)["spec"]["template"]["spec"];
            let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
            assert!(grace >= drain + 10, "{service}: {grace} s of grace for {drain} s of drain");
        }
    }
}

#[test]
fn replicas_are_spread_kept_and_scaled_and_no_two_scalers_quarrel() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let pod = &manifests.deployment(service)["spec"]["template"]["spec"];
            assert!(!list(&pod["topologySpreadConstraints"]).is_empty(), "{service}");
            let of = |kind: &str, path: &str| {
                manifests.kind(kind).filter(|object| object.pointer(path) == Some(&json!(service))).count()
            };
            assert_eq!(of("PodDisruptionBudget", "/metadata/name"), 1, "{service}");
            let scalers = of("HorizontalPodAutoscaler", "/spec/scaleTargetRef/name")
                + of("ScaledObject", "/spec/scaleTargetRef/name");
            assert!(scalers >= 1 && (scalers == 1 || !manifests.patched), "{service}: {scalers} scalers");
        }
    }
}

#[test]
fn images_are_those_that_the_dockerfiles_make() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            assert!(crate::checkout(&format!("deploy/docker/{service}.Dockerfile")).exists(), "{service}");
            for container in containers(manifests.deployment(service)) {
                let image = container["image"].as_str().unwrap();
                let (repository, tag) = image.split_once(':').unwrap_or((image, ""));
                assert_eq!(repository, format!("dats/{service}"));
                assert!(tag != "latest" && (!manifests.patched || !tag.is_empty()), "{image}");
            }
        }
    }
}
