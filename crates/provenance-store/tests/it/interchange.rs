//! Files of the earlier system: in, into the graph, and out again as they were.

mod again;
mod documents;
mod followed;
mod kept;
mod prov_rules;
mod samples;
mod suspects;

use std::collections::BTreeMap;

use protocol::provenance_query::{ImportOutcome, ImportedLine};
use serde_json::{Value, json};
use uuid::Uuid;

use self::samples::{Sample, lines_of, sample_lines};
use crate::events::at;
use crate::fixture::Store;
use crate::integrity::verify_all;
use provenance_store::interchange::export::export_page;
use provenance_store::interchange::import::{Imported, Portion, import_lines};
use provenance_store::policy::Policy;
use provenance_store::queries::{Desk, GraphLimits};

impl Store {
    /// Imports these lines in batches of that size.
    async fn import(&self, lines: &[String], batch: usize) -> Vec<ImportedLine> {
        self.import_and_follow(lines, batch).await.0
    }

    /// The same, with the type and the artifacts of the events that follow.
    async fn import_and_follow(
        &self,
        lines: &[String],
        batch: usize,
    ) -> (Vec<ImportedLine>, Vec<(String, Value)>) {
        let (mut outcomes, mut follow) = (Vec::new(), Vec::new());
        for batch in lines.chunks(batch) {
            let first = outcomes.len() as u64 + 1;
            let imported = self.import_portion(None, first, batch).await;
            follow.extend(imported.follow.iter().map(|entry| {
                let event: Value = serde_json::from_slice(&entry.message.body).unwrap();
                let artifacts = event["data"]["artifact_ids"].clone();
                (event["type"].as_str().unwrap().to_owned(), artifacts)
            }));
            outcomes.extend(imported.lines.lines);
        }
        assert_eq!(outcomes.len(), lines.len());
        (outcomes, follow)
    }

    /// Imports lines of an import, the first of which stands at that place in it.
    async fn import_portion(&self, import_id: Option<Uuid>, first_line: u64, lines: &[String]) -> Imported {
        let portion = Portion { import_id, first_line, lines: lines.to_vec() };
        import_lines(&mut *self.connection().await, portion, false, &desk()).await.unwrap()
    }

    /// Every line of a project's export.
    async fn export(&self, project: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut after = None;
        loop {
            let page = export_page(&mut *self.connection().await, &project.parse().unwrap(), after).await;
            let page = page.unwrap();
            lines.extend(page.lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()));
            match page.next {
                Some(next) => after = Some(next),
                None => return lines,
            }
        }
    }

    async fn import_one(&self, kind: &str, file: &str, body: Value) -> ImportedLine {
        let line = json!({ "kind": kind, "file": file, "body": body }).to_string();
        self.import(&[line], 1).await.remove(0)
    }
}

fn desk() -> Desk {
    let graph = GraphLimits { nodes: 10_000, depth: 1_000 };
    Desk { policy: Policy::default(), graph, now: at(1_000).to_utc() }
}

fn count(outcomes: &[ImportedLine], outcome: ImportOutcome) -> usize {
    outcomes.iter().filter(|line| line.outcome == outcome).count()
}

#[tokio::test]
async fn the_sample_folder_is_imported_with_the_expected_report() {
    let store = Store::create("interchange_report").await;
    let outcomes = store.import(&sample_lines(), 100).await;
    let told: BTreeMap<_, _> = outcomes
        .iter()
        .filter_map(|line| Some((line.file.clone()?, (line.outcome, line.reason.clone()?))))
        .collect();
    let expected = [
        ("malformed-array.json", ImportOutcome::Refused, "must be an object"),
        ("malformed-date-number.json", ImportOutcome::Refused, "created_at: must be an ISO 8601 time"),
        ("malformed-date.json", ImportOutcome::Refused, "created_at: must be an ISO 8601 time"),
        ("malformed-inputs-null.json", ImportOutcome::Refused, "inputs: must be a list"),
        ("malformed-prompt-null.json", ImportOutcome::Refused, "prompt_template: must be an object"),
        ("malformed-taint-string.json", ImportOutcome::Refused, "taint: must be an object"),
        ("phantom-no-id.json", ImportOutcome::Repaired, "id: missing, taken from the file's name"),
        (
            "variant-only-id.json",
            ImportOutcome::Repaired,
            "task_id: missing, taken as a task of its own; project_id: missing, taken as default",
        ),
        (
            "variant-unknown-enum.json",
            ImportOutcome::Repaired,
            "inputs[0].relationship: \"borrowed\" is not known, read as consumed; \
             verification.status: \"quarantined\" is not known, read as pending",
        ),
        (
            "variant-wrong-scalars.json",
            ImportOutcome::Repaired,
            "tokens_input: a text, read as 12; execution_time_ms: not a number, left out; \
             confidence: not a number, left out; outputs[0].size_bytes: not a number, left out; \
             outputs[1]: not an object, left out; outputs[2]: not an object, left out",
        ),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(file, outcome, reason)| (file.to_owned(), (outcome, reason.to_owned())))
        .into_iter()
        .collect();
    assert_eq!(told, expected);
    assert_eq!(count(&outcomes, ImportOutcome::Imported), outcomes.len() - expected.len());
}

#[tokio::test]
async fn importing_again_changes_nothing_whatever_the_batches() {
    let store = Store::create("interchange_again").await;
    let lines = sample_lines();
    let first = store.import(&lines, 7).await;
    let refused = count(&first, ImportOutcome::Refused);
    let state = "SELECT md5(string_agg(record::text, '' ORDER BY seq)) FROM provenance_records record
        UNION ALL SELECT md5(string_agg(counter::text, '' ORDER BY project_id)) FROM project_counters counter
        UNION ALL SELECT count(*)::text FROM artifact_dependencies
        UNION ALL SELECT count(*)::text FROM imported_files";
    let before = store.lines(state).await;
    let again = store.import(&lines, 500).await;
    assert_eq!(count(&again, ImportOutcome::Unchanged), lines.len() - refused);
    assert_eq!(count(&again, ImportOutcome::Refused), refused);
    assert_eq!(store.lines(state).await, before);
    // What broke off half-way is simply begun anew.
    let other = Store::create("interchange_resumed").await;
    other.import(&lines[..120], 50).await;
    let resumed = other.import(&lines, 50).await;
    assert!(count(&resumed, ImportOutcome::Unchanged) > 100);
    for counter in ["SELECT count(*)::text FROM provenance_records", "SELECT count(*)::text FROM artifacts"] {
        assert_eq!(other.lines(counter).await, store.lines(counter).await);
    }
}

#[tokio::test]
async fn what_was_imported_is_exported_field_by_field() {
    let store = Store::create("interchange_round").await;
    let lines = sample_lines();
    let outcomes = store.import(&lines, 60).await;
    let taken = |place: usize| outcomes[place].outcome != ImportOutcome::Refused;
    for project in ["shop-backend", "default"] {
        assert_eq!(verify_all(&store, project, 50).await.findings, [], "{project}");
    }
    let mut expected: Vec<Value> = lines
        .iter()
        .enumerate()
        .filter(|(place, _)| taken(*place))
        .map(|(_, line)| serde_json::from_str(line).unwrap())
        .collect();
    let mut exported = Vec::new();
    for project in ["shop-backend", "default", "3f0c2a52-8f5e-4c1e-9a51-6d2a3c9a7b10"] {
        exported.extend(store.export(project).await);
    }
    let key = |line: &Value| (line["file"].to_string(), line["body"]["id"].to_string());
    expected.sort_by_key(key);
    exported.sort_by_key(key);
    assert_eq!(exported.len(), expected.len());
    for (exported, expected) in exported.iter().zip(&expected) {
        assert_eq!(exported, expected);
    }
}

#[tokio::test]
async fn imported_records_are_in_the_graph_with_their_marks_and_are_counted() {
    let store = Store::create("interchange_graph").await;
    store.import(&sample_lines(), 100).await;
    // By record, by artifact, by task; names that are no UUIDs included.
    assert_eq!(store.record("legacy-005").await.outputs[0].artifact.artifact_id.as_str(), "legacy-art-005");
    assert_eq!(store.record("legacy-art-005").await.id, store.record("legacy-005").await.id);
    assert_eq!(store.record("phantom-task").await.id, store.record("phantom-no-id").await.id);
    let suspect = store.record("00b7a724-5f5b-4776-b913-455937e0e321").await;
    assert!(suspect.taint.is_suspect);
    assert_eq!(suspect.taint.suspect_source.as_deref(), Some("5cdb039e-2bb4-454a-979d-3907d0dde8e0"));
    assert_eq!(suspect.created_at.to_string(), "2026-01-09T21:19:07.335000Z");

    let edges = "SELECT used.artifact_id FROM artifact_dependencies edge
        JOIN artifacts used ON used.id = edge.input_id JOIN artifacts made ON made.id = edge.output_id
        WHERE made.artifact_id = 'v-both' ORDER BY 1";
    assert_eq!(store.lines(edges).await, ["diamond-bottom", "diamond-top"]);
    let counted =
        "SELECT project_id || ' ' || records || ' ' || tainted || ' ' || suspect FROM project_counters
        ORDER BY project_id";
    let recounted =
        "SELECT project_id || ' ' || count(*) || ' ' || count(*) FILTER (WHERE is_tainted) || ' ' ||
        count(*) FILTER (WHERE is_suspect) FROM provenance_records GROUP BY project_id ORDER BY project_id";
    assert_eq!(store.lines(counted).await, store.lines(recounted).await);
    // What is suspect was told where it was marked; taints hold work back here too.
    assert_eq!(
        store.lines("SELECT DISTINCT event_type FROM outbox ORDER BY 1").await,
        ["dats.artifact.standing", "dats.artifact.tainted"]
    );
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_changes_nothing() {
    let store = Store::create("interchange_dry").await;
    let lines = sample_lines();
    let mut connection = store.connection().await;
    let portion = Portion { import_id: None, first_line: 1, lines: lines.clone() };
    let dry = import_lines(&mut connection, portion, true, &desk()).await.unwrap().lines;
    assert_eq!(store.lines("SELECT count(*)::text FROM provenance_records").await, ["0"]);
    assert_eq!(store.lines("SELECT count(*)::text FROM imported_files").await, ["0"]);
    assert_eq!(dry.projects, []);
    assert_eq!(dry.lines, store.import(&lines, 100).await);
}

#[tokio::test]
async fn the_order_of_files_does_not_change_the_graph() {
    let edges = "SELECT used.artifact_id || ' ' || COALESCE(used_by.provenance_id::text, '-') || ' > ' ||
            made.artifact_id || ' ' || made_by.provenance_id
        FROM artifact_dependencies edge
        JOIN artifacts used ON used.id = edge.input_id JOIN artifacts made ON made.id = edge.output_id
        LEFT JOIN provenance_records used_by ON used_by.seq = used.producer_seq
        JOIN provenance_records made_by ON made_by.seq = made.producer_seq ORDER BY 1";
    let (there, back) = tokio::join!(Store::create("interchange_there"), Store::create("interchange_back"));
    let mut lines = lines_of(Sample::Record);
    there.import(&lines, 40).await;
    lines.reverse();
    back.import(&lines, 13).await;
    let expected = there.lines(edges).await;
    assert!(expected.len() > 200, "{}", expected.len());
    assert_eq!(back.lines(edges).await, expected);
}

#[tokio::test]
async fn other_content_under_a_known_id_is_refused_and_newer_marks_here_are_kept() {
    let store = Store::create("interchange_ids").await;
    let body = json!({ "id": "r", "task_id": "t", "project_id": "p", "outputs": [{"artifact_id": "a"}] });
    let with = |member: &str, value: Value| {
        let mut changed = body.clone();
        changed[member] = value;
        changed
    };
    assert_eq!(store.import_one("record", "r.json", body.clone()).await.outcome, ImportOutcome::Imported);
    let other = store.import_one("record", "r.json", with("outputs", json!([{"artifact_id": "b"}]))).await;
    assert_eq!(other.outcome, ImportOutcome::Refused);
    assert_eq!(other.reason.unwrap(), "the record of this id is here already, with other content");
    let marked = store.import_one("record", "r.json", with("taint", json!({"is_tainted": true}))).await;
    assert_eq!(marked.outcome, ImportOutcome::Unchanged);
    assert_eq!(marked.reason.unwrap(), "here already; its marks differ, those here were kept");

    // What was found out here is written with the file's own members around it.
    let mark = "UPDATE provenance_records SET is_tainted = true, tainted_reason = 'wrong', tainted_by = 'me'";
    store.database.client().await.execute(mark, &[]).await.unwrap();
    let exported = store.export("p").await;
    assert_eq!(exported[0]["body"]["taint"]["tainted_reason"], "wrong");
    assert_eq!(exported[0]["body"]["verification_status"], "tainted");
    assert_eq!(exported[0]["body"]["outputs"], body["outputs"]);
    let again = store.import_one("record", "r.json", exported[0]["body"].clone()).await;
    assert_eq!((again.outcome, again.reason), (ImportOutcome::Unchanged, None));
}

#[tokio::test]
async fn records_that_were_never_files_travel_to_another_store_and_back() {
    let (here, there) = tokio::join!(Store::create("interchange_here"), Store::create("interchange_other"));
    let task = uuid::Uuid::now_v7();
    let data = json!({
        "task_id": task, "attempt": 2, "artifact_id": "a", "project_id": "p", "tier": "small",
        "inputs_consumed": ["b"], "worker_id": "w", "model_used": "m", "tokens_input": 5,
        "output": {"artifacts": [{"artifact_id": "a", "type": "code", "path": "x.py", "size_bytes": 3}]},
    });
    here.apply([crate::events::event("task.output.created", 1, data)]).await;
    let exported = here.export("p").await;
    assert_eq!(exported.len(), 1);
    let lines: Vec<String> = exported.iter().map(Value::to_string).collect();
    assert_eq!(there.import(&lines, 9).await[0].outcome, ImportOutcome::Imported);
    assert_eq!(there.export("p").await, exported);
    let (ours, theirs) = (here.record("a").await, there.record("a").await);
    assert_eq!((ours.id, ours.task_id, ours.attempt), (theirs.id, theirs.task_id, theirs.attempt));
    assert_eq!(
        (ours.tier, ours.outputs, ours.inputs_consumed),
        (theirs.tier, theirs.outputs, theirs.inputs_consumed)
    );
    assert_eq!(here.import(&lines, 9).await[0].outcome, ImportOutcome::Unchanged);
}

#[tokio::test]
async fn a_bad_line_costs_only_itself() {
    let store = Store::create("interchange_lines").await;
    let good =
        json!({ "kind": "record", "file": "a.json", "body": {"id": "a", "task_id": "t", "project_id": "p"} });
    let event = json!({ "kind": "taint_event", "file": "taint_events.json",
        "body": {"id": "e", "provenance_id": "nobody", "action": "taint"} });
    let lines = [
        "{".to_owned(),
        json!({ "kind": "song", "file": "x.json", "body": {} }).to_string(),
        json!({ "kind": "record", "file": "../x.json", "body": {} }).to_string(),
        event.to_string(),
        good.to_string(),
        "{\"kind\":\"record\",\"file\":\"n.json\",\"body\":{\"id\":\"n\\u0000\",\"x\":\"\\ud800\"}}"
            .to_owned(),
    ];
    let outcomes = store.import(&lines, 10).await;
    let told: Vec<_> = outcomes.iter().map(|line| line.reason.clone().unwrap_or_default()).collect();
    assert!(told[0].starts_with("line 1: not a line of an import"), "{told:?}");
    assert!(told[1].starts_with("line 2: not a line of an import"), "{told:?}");
    assert_eq!(told[2], "file: must be the plain name of a file, of 1 to 255 characters");
    assert_eq!(told[3], "provenance_id: there is no record \"nobody\"");
    assert_eq!(outcomes[4].outcome, ImportOutcome::Imported);
    assert_eq!(outcomes[5].outcome, ImportOutcome::Refused, "{told:?}");
    assert_eq!(store.export("p").await.len(), 1);
}
