//! What objects refer to is there: kinds, labels, ports, ConfigMaps, Secrets, targets.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::manifests::{Manifests, list, matches, name};

const KINDS: [(&str, &str); 20] = [
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"),
    ("postgresql.cnpg.io/v1", "Cluster"),
    ("postgresql.cnpg.io/v1", "ScheduledBackup"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
    ("cert-manager.io/v1", "Certificate"),
];

/// Secrets that the operators of an installation bring, as the production overlay says.
const BROUGHT: [(&str, &str); 3] = [
    ("dats-backup-store", "access-key"),
    ("dats-backup-store", "secret-key"),
    ("dats-keda-rabbitmq", "host"),
];

#[test]
fn kinds_are_known_and_names_are_not_taken_twice() {
    for manifests in Manifests::all() {
        let mut seen = BTreeSet::new();
        for object in &manifests.objects {
            let kind = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            assert!(KINDS.contains(&kind), "{}: {kind:?}", manifests.overlay);
            assert!(seen.insert(name(object)), "{}: {} twice", manifests.overlay, name(object));
        }
    }
}

/// Labels of the pods: of Deployments, and those that operators give theirs.
fn pod_labels(manifests: &Manifests) -> Vec<Value> {
    let mut labels: Vec<Value> = manifests
        .kind("Deployment")
        .map(|deployment| deployment["spec"]["template"]["metadata"]["labels"].clone())
        .collect();
    for cluster in manifests.kind("RabbitmqCluster") {
        labels.push(serde_json::json!({ "app.kubernetes.io/name": cluster["metadata"]["name"] }));
    }
    for cluster in manifests.kind("Cluster") {
        labels.push(serde_json::json!({ "cnpg.io/cluster": cluster["metadata"]["name"] }));
    }
    labels
}

#[test]
fn selectors_find_pods() {
    for manifests in Manifests::all() {
        let pods = pod_labels(&manifests);
        for (kind, path) in [
            ("Service", "/spec/selector"),
            ("Deployment", "/spec/selector/matchLabels"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ] {
            for object in manifests.kind(kind) {
                let selector = object.pointer(path).unwrap_or_else(|| panic!("{}: {path}", name(object)));
                let found = pods.iter().filter(|labels| matches(selector, labels)).count();
                assert_eq!(found, 1, "{}: {} selects {found} pods", manifests.overlay, name(object));
            }
        }
    }
}

#[test]
fn services_and_monitors_lead_to_ports_that_are_there() {
    for manifests in Manifests::all() {
        for service in manifests.kind("Service") {
            let deployment = manifests.kind("Deployment").find(|deployment| {
                matches(&service["spec"]["selector"], &deployment["spec"]["template"]["metadata"]["labels"])
            });
            let container = &deployment.expect("its pods")["spec"]["template"]["spec"]["containers"][0];
            for port in list(&service["spec"]["ports"]) {
                let named = list(&container["ports"]).iter().find(|own| own["name"] == port["targetPort"]);
                let found = named.unwrap_or_else(|| panic!("{}: {port}", name(service)));
                assert_eq!(found["containerPort"], port["port"], "{}", name(service));
            }
        }
        for monitor in manifests.kind("ServiceMonitor") {
            let selector = &monitor["spec"]["selector"]["matchLabels"];
            let service = manifests.kind("Service").find(|one| matches(selector, &one["metadata"]["labels"]));
            let ports = list(&service.expect("a Service")["spec"]["ports"]);
            for endpoint in list(&monitor["spec"]["endpoints"]) {
                assert!(ports.iter().any(|port| port["name"] == endpoint["port"]), "{}", name(monitor));
            }
        }
    }
}

/// Whether somebody makes that key of that secret.
fn secret_exists(manifests: &Manifests, secret: &str, key: &str) -> bool {
    let named = |kind: &str, suffix: &str| {
        manifests.kind(kind).any(|object| {
            object["metadata"]["name"].as_str().is_some_and(|name| secret == format!("{name}{suffix}"))
        })
    };
    let of_certificate = manifests.kind("Certificate").any(|object| object["spec"]["secretName"] == secret);
    manifests
        .kind("Secret")
        .any(|object| object["metadata"]["name"] == secret && !object["data"][key].is_null())
        || BROUGHT.contains(&(secret, key))
        || (["username", "password"].contains(&key)
            && (named("RabbitmqCluster", "-default-user") || named("Cluster", "-app")))
        || (key == "ca.crt" && (of_certificate || named("Cluster", "-ca")))
}

/// Every `{name, key}` below a member of that name.
fn references<'v>(value: &'v Value, member: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == member {
                    found.push(value);
                }
                references(value, member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, member, found)),
        _ => {}
    }
}

#[test]
fn secrets_that_are_read_are_made_by_somebody() {
    for manifests in Manifests::all() {
        for object in &manifests.objects {
            let mut found = Vec::new();
            for member in ["secretKeyRef", "accessKeyId", "secretAccessKey"] {
                references(object, member, &mut found);
            }
            let mut pairs: Vec<(&str, &str)> = found
                .iter()
                .map(|reference| (reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap()))
                .collect();
            for reference in list(&object["spec"]["secretTargetRef"]) {
                pairs.push((reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap()));
            }
            for volume in list(&object["spec"]["template"]["spec"]["volumes"]) {
                for item in list(&volume["secret"]["items"]) {
                    let secret = volume["secret"]["secretName"].as_str().unwrap();
                    pairs.push((secret, item["key"].as_str().unwrap()));
                }
            }
            for (secret, key) in pairs {
                let exists = secret_exists(&manifests, secret, key);
                assert!(exists, "{}: {} reads {key} of {secret}", manifests.overlay, name(object));
            }
        }
    }
}

#[test]
fn what_is_scaled_and_mounted_is_there() {
    for manifests in Manifests::all() {
        let deployments: Vec<&Value> =
            manifests.kind("Deployment").map(|deployment| &deployment["metadata"]["name"]).collect();
        for kind in ["HorizontalPodAutoscaler", "ScaledObject"] {
            for object in manifests.kind(kind) {
                let target = &object["spec"]["scaleTargetRef"]["name"];
                let outside = !object["metadata"]["annotations"]["dats.dev/target"].is_null();
                assert_ne!(deployments.contains(&target), outside, "{}", name(object));
            }
        }
        for scaled in manifests.kind("ScaledObject") {
            for trigger in list(&scaled["spec"]["triggers"]) {
                let queue = trigger["metadata"]["queueName"].as_str().unwrap();
                let ours = queue == "routing-events"
                    || ["tiny", "small", "large", "frontier"]
                        .iter()
                        .any(|tier| queue == format!("task.ready.{tier}"));
                assert!(ours, "{queue} is no queue of ours");
            }
        }
        for deployment in manifests.kind("Deployment") {
            let pod = &deployment["spec"]["template"]["spec"];
            let volumes: Vec<&Value> = list(&pod["volumes"]).iter().map(|volume| &volume["name"]).collect();
            for container in list(&pod["containers"]).iter().chain(list(&pod["initContainers"])) {
                for mount in list(&container["volumeMounts"]) {
                    assert!(volumes.contains(&&mount["name"]), "{}: {mount}", name(deployment));
                }
            }
        }
    }
}
