//! A folder of record files goes in, is looked at, and comes out as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use end_to_end::{Plan, Role};
use serde_json::{Value, json};

use super::dats::Dats;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/provenance");
/// Files of the samples that cannot be taken.
const REFUSED: [&str; 8] = [
    "malformed-array.json",
    "malformed-date-number.json",
    "malformed-date.json",
    "malformed-empty.json",
    "malformed-inputs-null.json",
    "malformed-prompt-null.json",
    "malformed-taint-string.json",
    "malformed-truncated.json",
];
const REPAIRED: [&str; 4] =
    ["phantom-no-id.json", "variant-only-id.json", "variant-unknown-enum.json", "variant-wrong-scalars.json"];

fn files(report: &Value, outcome: &str) -> Vec<String> {
    let told = report[outcome].as_array().unwrap().iter();
    let mut files: Vec<String> = told.map(|told| told["file"].as_str().unwrap().to_owned()).collect();
    files.sort();
    files
}

/// The JSON files of a folder by name.
fn folder(path: &Path) -> BTreeMap<String, String> {
    fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_folder_is_imported_reported_and_exported_byte_by_byte() {
    let stack = Plan::new().start().await;
    let dats = Dats::of(&stack);
    let dry = dats.run(&["provenance", "import", SAMPLES, "--dry-run", "--json"]).await;
    assert_eq!(dry.exit, 1, "{dry:?}");
    assert_eq!(files(&dry.json(), "refused"), REFUSED);
    assert_eq!(stack.client().get("/provenance/legacy-005").await.status, 404, "a dry run changes nothing");

    let report = dats.folder().join("report.json");
    let report_path = report.to_str().unwrap();
    let first = dats.run(&["provenance", "import", SAMPLES, "--report", report_path]).await;
    assert_eq!(first.exit, 1, "{first:?}");
    let told: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((files(&told, "refused"), files(&told, "repaired")), (owned(&REFUSED), owned(&REPAIRED)));
    assert_eq!(told["imported"], dry.json()["imported"]);
    let imported = told["imported"].as_u64().unwrap();
    assert!(first.out.contains("not JSON") && first.out.contains("refused 8"), "{first:?}");

    let again = dats.run(&["provenance", "import", SAMPLES, "--json"]).await.json();
    assert_eq!(
        (&again["imported"], &again["unchanged"]),
        (&json!(0), &json!(imported + REPAIRED.len() as u64))
    );

    let original = folder(Path::new(SAMPLES));
    let mut exported = BTreeMap::new();
    let mut checkpoints = serde_json::Map::new();
    let mut events = Vec::new();
    for project in ["default", "shop-backend", "3f0c2a52-8f5e-4c1e-9a51-6d2a3c9a7b10"] {
        let out = dats.folder().join(project);
        let said =
            dats.run(&["provenance", "export", "--project", project, "--out", out.to_str().unwrap()]).await;
        assert_eq!(said.exit, 0, "{said:?}");
        let mut files = folder(&out);
        let parsed = |text: Option<String>| text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if let Some(Value::Object(some)) = parsed(files.remove("checkpoints.json")) {
            checkpoints.extend(some);
        }
        if let Some(Value::Array(some)) = parsed(files.remove("taint_events.json")) {
            events.extend(some);
        }
        exported.extend(files);
        let twice = dats.run(&["provenance", "export", "-p", project, "--out", out.to_str().unwrap()]).await;
        assert_eq!(twice.exit, 2, "files are not overwritten unasked: {twice:?}");
    }
    for (name, text) in &exported {
        assert_eq!(text, &original[name], "{name}");
    }
    let others = ["taint_events.json", "checkpoints.json", "revalidation_queue.json", "rollback_state.json"];
    assert_eq!(exported.len(), original.len() - REFUSED.len() - others.len());
    let original_of = |name: &str| serde_json::from_str::<Value>(&original[name]).unwrap();
    assert_eq!(Value::Object(checkpoints), original_of("checkpoints.json"));
    let by_id = |events: Vec<Value>| {
        events.into_iter().map(|event| (event["id"].to_string(), event)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(by_id(events), by_id(original_of("taint_events.json").as_array().unwrap().clone()));

    // What was imported is known to the projects' list and to questions about artifacts.
    let projects = dats.run(&["project", "list"]).await;
    assert!(projects.out.contains("shop-backend"), "{projects:?}");
    let record = dats.run(&["provenance", "show", "legacy-art-005"]).await;
    assert!(record.exit == 0 && record.out.contains("openai/gpt-oss-20b"), "{record:?}");
    let prov = dats.run(&["provenance", "export", "diamond-bottom", "--format", "prov"]).await;
    assert!(prov.exit == 0 && prov.json()["wasDerivedFrom"].is_object(), "{prov:?}");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_long_import_outlives_a_crash_of_the_store_and_is_taken_up_again() {
    let mut stack = Plan::new().start().await;
    let dats = Dats::of(&stack);
    let source = dats.folder().join("many");
    fs::create_dir(&source).unwrap();
    let filler = "x".repeat(2_000);
    for number in 0..1_500 {
        let before = format!("many-{}", number / 2);
        let body = json!({ "id": format!("record-{number}"), "task_id": "t", "project_id": "many", "notes": filler,
            "outputs": [{"artifact_id": format!("many-{number}")}], "inputs_consumed": [before] });
        fs::write(source.join(format!("record-{number}.json")), body.to_string()).unwrap();
    }
    let many = source.to_str().unwrap().to_owned();
    let arguments = ["provenance", "import", &many, "--json"];
    let importing = dats.run(&arguments);
    let crashing = async {
        test_support::wait_for("some records are there", test_support::PATIENCE, || async {
            (stack.client().get("/provenance/record-0").await.status == 200).then_some(())
        })
        .await;
        stack.crash(Role::Provenance).await;
    };
    let (first, ()) = tokio::join!(importing, crashing);
    assert!([0, 5].contains(&first.exit), "{first:?}");
    if first.exit == 0 {
        // What was stored when the answer was lost was still brought in by this import.
        assert_eq!(first.json()["imported"], 1_500, "{first:?}");
    }
    let again = dats.run(&["provenance", "import", &many, "--json"]).await;
    assert_eq!(again.exit, 0, "{again:?}");
    let report = again.json();
    let there = report["imported"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap();
    assert_eq!(there, 1_500);
    let out = dats.folder().join("out");
    let export =
        dats.run(&["provenance", "export", "-p", "many", "--out", out.to_str().unwrap(), "--json"]).await;
    assert_eq!(export.json()["records"], 1_500);
}

#[tokio::test]
async fn every_file_that_cannot_be_taken_is_told_by_its_name() {
    let plan = Plan::new().setting(Role::Gateway, "DATS_PROVENANCE__MAX_IMPORT_LINE_BYTES", "4096");
    let stack = plan.start().await;
    let dats = Dats::of(&stack);
    let source = dats.folder().join("odd");
    fs::create_dir(&source).unwrap();
    let record = |id: &str, notes: usize| {
        json!({ "id": id, "task_id": "t", "project_id": "odd", "notes": "x".repeat(notes) }).to_string()
    };
    fs::write(source.join("good.json"), record("good", 10)).unwrap();
    fs::write(source.join("long.json"), record("long", 5_000)).unwrap();
    std::os::unix::fs::symlink("nowhere", source.join("dangling.json")).unwrap();
    let checkpoints = json!({ "k": { "project_id": "odd", "created_at": "2026-W02-5T20:30" } });
    fs::write(source.join("checkpoints.json"), checkpoints.to_string()).unwrap();
    let folder = source.to_str().unwrap();
    for (arguments, reason) in
        [(vec![], "it has more than 4096 bytes"), (vec!["--max-line-bytes", "4096"], "too long: ")]
    {
        let arguments = [vec!["provenance", "import", folder, "--json", "--dry-run"], arguments].concat();
        let said = dats.run(&arguments).await;
        assert_eq!(said.exit, 1, "{said:?}");
        let report = said.json();
        assert_eq!(files(&report, "refused"), ["dangling.json", "long.json"], "{report:#}");
        let refused = report["refused"].as_array().unwrap();
        let told = refused.iter().find(|told| told["file"] == "long.json").unwrap();
        assert!(told["reason"].as_str().unwrap().starts_with(reason), "{report:#}");
    }
    let report = dats.run(&["provenance", "import", folder, "--json"]).await.json();
    assert_eq!((&report["imported"], files(&report, "repaired")), (&json!(1), owned(&["checkpoints.json"])));
    let listed = stack.client().get("/projects/odd/checkpoints").await.json;
    assert_eq!(listed["checkpoints"][0]["created_at"], "2026-01-09T20:30:00.000000Z", "{listed:#}");
    let out = dats.folder().join("out");
    assert_eq!(
        dats.run(&["provenance", "export", "-p", "odd", "--out", out.to_str().unwrap()]).await.exit,
        0
    );
    let exported: Value = serde_json::from_str(&folder_file(&out, "checkpoints.json")).unwrap();
    assert_eq!(exported, checkpoints);
}

fn folder_file(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}
