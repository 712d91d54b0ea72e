//! The export of one artifact, as files and as W3C PROV.

use std::collections::BTreeSet;

use protocol::provenance_query::ExportFormat;
use serde_json::{Value, json};

use super::prov_rules::violations;
use super::samples::{Sample, lines_of};
use crate::events::at;
use crate::fixture::Store;
use provenance_store::interchange::document::export_artifact;
use provenance_store::queries::{Sight, Unanswered};

async fn export(store: &Store, id: &str, format: ExportFormat) -> Value {
    export_artifact(&mut *store.connection().await, id, format, at(2_000).to_utc(), &Sight::Everything)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_artifact_of_the_samples_has_a_valid_prov_document() {
    let store = Store::create("interchange_prov").await;
    store.import(&lines_of(Sample::Record), 100).await;
    let artifacts = store.lines("SELECT DISTINCT artifact_id FROM artifacts ORDER BY 1").await;
    assert!(artifacts.len() > 150);
    for id in &artifacts {
        let document = export(&store, id, ExportFormat::Prov).await;
        assert_eq!(violations(&document), Vec::<String>::new(), "{id}: {document:#}");
        assert!(!document["entity"].as_object().unwrap().is_empty());
    }
    // A diamond: the two ways from its top to its bottom meet in one entity each.
    let diamond = export(&store, "diamond-bottom", ExportFormat::Prov).await;
    let labels: BTreeSet<_> = diamond["entity"]
        .as_object()
        .unwrap()
        .values()
        .map(|entity| entity["prov:label"].to_string())
        .collect();
    assert!(labels.contains("\"diamond-top\"") && labels.contains("\"diamond-bottom\""), "{labels:?}");
    assert_eq!(labels.len(), diamond["entity"].as_object().unwrap().len());
}

#[tokio::test]
async fn a_document_in_the_form_of_files_begins_with_the_artifacts_own_record() {
    let store = Store::create("interchange_document").await;
    let lines = lines_of(Sample::Record);
    store.import(&lines, 100).await;
    let document = export(&store, "v-both", ExportFormat::Json).await;
    let told: Value = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].clone())
        .find(|body| body["id"] == "variant-both-inputs")
        .unwrap();
    assert_eq!(document["artifact_id"], "v-both");
    assert_eq!(document["provenance"], told);
    assert_eq!(document["lineage"][0], told);
    assert_eq!(document["truncated"], false);
    let made: BTreeSet<String> = document["lineage"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| record["outputs"].as_array().unwrap())
        .map(|output| output["artifact_id"].to_string())
        .collect();
    assert!(made.contains("\"diamond-top\"") && made.contains("\"diamond-bottom\""), "{made:?}");
    let records = document["lineage"].as_array().unwrap();
    let ids: BTreeSet<_> = records.iter().map(|record| record["id"].to_string()).collect();
    assert_eq!(ids.len(), records.len(), "a record is listed once");
}

#[tokio::test]
async fn what_nobody_made_and_what_nobody_knows_are_told_apart() {
    let store = Store::create("interchange_outside").await;
    let body = json!({ "id": "r", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "made"}],
        "inputs": [{"artifact_id": "odd /%ü\"<>"}], "worker_id": "w w", "model_used": "m:1" });
    store.import_one("record", "r.json", body).await;
    let outside = export(&store, "odd /%ü\"<>", ExportFormat::Json).await;
    assert_eq!((&outside["provenance"], &outside["lineage"]), (&Value::Null, &json!([])));
    let prov = export(&store, "made", ExportFormat::Prov).await;
    assert_eq!(violations(&prov), Vec::<String>::new(), "{prov:#}");
    assert_eq!(prov["used"].as_object().unwrap().len(), 1);
    assert_eq!(prov["agent"].as_object().unwrap().len(), 2);
    let unknown = export_artifact(
        &mut *store.connection().await,
        "?",
        ExportFormat::Prov,
        at(1).to_utc(),
        &Sight::Everything,
    )
    .await;
    assert!(matches!(unknown, Err(Unanswered::NotFound(_))));
}

#[test]
fn the_rules_find_what_is_wrong() {
    let document = json!({
        "prefix": { "x": "urn:x:" },
        "entity": { "x:a": { "x:odd": {"nested": 1} }, "y:b": {} },
        "used": { "_:u": { "prov:activity": "x:nobody", "prov:entity": "x:a" } },
        "hadSong": {},
    });
    assert_eq!(violations(&document).len(), 4, "{:?}", violations(&document));
}
