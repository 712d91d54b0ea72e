//! Network policies let each service reach what its settings name, and nothing else of the cluster.

use serde_json::Value;

use crate::SERVICES;
use crate::manifests::{Manifests, list, matches, name};

/// The ports that a policy opens towards pods with these labels.
fn ports_towards(policy: &Value, labels: &Value) -> Vec<u64> {
    let rules = list(&policy["spec"]["egress"]).iter().filter(|rule| {
        list(&rule["to"]).iter().any(|peer| {
            peer["podSelector"]["matchLabels"].is_object()
                && matches(&peer["podSelector"]["matchLabels"], labels)
        })
    });
    rules.flat_map(|rule| list(&rule["ports"])).filter_map(|port| port["port"].as_u64()).collect()
}

#[test]
fn each_service_reaches_its_broker_and_its_database() {
    for manifests in Manifests::all() {
        for service in SERVICES {
            let policy = manifests
                .kind("NetworkPolicy")
                .find(|policy| policy["metadata"]["name"] == service)
                .unwrap_or_else(|| panic!("{service} has no policy"));
            assert_eq!(policy["spec"]["policyTypes"], serde_json::json!(["Ingress", "Egress"]), "{service}");
            let environment = manifests.environment(service);
            let broker =
                serde_json::json!({ "app.kubernetes.io/name": environment["DATS_EVENTS__RABBITMQ__HOST"] });
            let port =
                if environment.contains_key("DATS_EVENTS__RABBITMQ__TLS__ENABLED") { 5671 } else { 5672 };
            assert!(ports_towards(policy, &broker).contains(&port), "{service} to its broker");
            if let Some(cluster) = database_of(manifests.deployment(service)) {
                let database = serde_json::json!({ "cnpg.io/cluster": cluster });
                assert_eq!(ports_towards(policy, &database), [5432], "{service} to its database");
                let other = serde_json::json!({ "cnpg.io/cluster": "dats-other-db" });
                assert!(ports_towards(policy, &other).is_empty(), "{service} to another's database");
            }
        }
    }
}

/// The cluster that `DATABASE_URL` leads to, from the name of its host.
fn database_of(deployment: &Value) -> Option<String> {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let variable = list(&container["env"]).iter().find(|variable| variable["name"] == "DATABASE_URL")?;
    let (_, host) = variable["value"].as_str()?.rsplit_once('@')?;
    let (cluster, _) = host.split_once("-rw:")?;
    Some(cluster.to_owned())
}

#[test]
fn ports_that_policies_name_are_the_pods_own() {
    for manifests in Manifests::all() {
        for policy in manifests.kind("NetworkPolicy") {
            let service = policy["metadata"]["name"].as_str().unwrap();
            let ports = &manifests.deployment(service)["spec"]["template"]["spec"]["containers"][0]["ports"];
            for rule in list(&policy["spec"]["ingress"]) {
                for port in list(&rule["ports"]) {
                    let known = list(ports).iter().any(|own| own["name"] == port["port"]);
                    assert!(known, "{}: {port}", name(policy));
                }
            }
        }
    }
}
