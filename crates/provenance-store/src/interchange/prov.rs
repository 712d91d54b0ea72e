//! Provenance as W3C PROV-JSON: artifacts are entities, records are activities, workers and models are agents.
//! Every version of an artifact is an entity of its own, named by artifact and record.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use protocol::Timestamp;
use serde_json::{Map, Value, json};

use super::lineage::{Ancestry, Node};
use super::native::WrittenRow;

/// What our names begin with.
const NAMESPACE: &str = "urn:dats:provenance:";

/// The document of what an artifact was built on.
pub(super) fn document(ancestry: &Ancestry) -> Value {
    let mut document = Document::default();
    let records: HashMap<i64, &WrittenRow> = ancestry.records.iter().map(|row| (row.seq, row)).collect();
    for row in &ancestry.records {
        document.record(row);
    }
    let mut names = HashMap::new();
    for node in &ancestry.nodes {
        let producer = node.producer_seq.and_then(|seq| records.get(&seq).copied());
        let name = document.artifact(node, producer);
        names.insert(node.id, (name, producer));
    }
    let mut used = BTreeSet::new();
    for edge in &ancestry.edges {
        let (Some((input, _)), Some((output, producer))) =
            (names.get(&edge.input_id), names.get(&edge.output_id))
        else {
            continue;
        };
        let activity = producer.map(record_name);
        if let Some(activity) = &activity
            && used.insert((activity.clone(), input.clone()))
        {
            document.relate(
                "used",
                json!({ "prov:activity": activity, "prov:entity": input, "prov:role": edge.relationship }),
            );
        }
        let mut derived = json!({ "prov:generatedEntity": output, "prov:usedEntity": input });
        if let (Some(activity), Some(members)) = (activity, derived.as_object_mut()) {
            members.insert("prov:activity".to_owned(), json!(activity));
        }
        document.relate("wasDerivedFrom", derived);
    }
    if ancestry.truncated {
        document.note_truncation(names.values().next().map(|(name, _)| name.as_str()));
    }
    document.finish()
}

/// A document that grows.
#[derive(Default)]
struct Document {
    things: BTreeMap<&'static str, Map<String, Value>>,
    relations: BTreeMap<&'static str, Vec<Value>>,
}

impl Document {
    fn thing(&mut self, kind: &'static str, name: &str, attributes: Map<String, Value>) {
        self.things.entry(kind).or_default().entry(name.to_owned()).or_insert(Value::Object(attributes));
    }

    fn relate(&mut self, kind: &'static str, members: Value) {
        self.relations.entry(kind).or_default().push(members);
    }

    /// An activity, and who took part in it.
    fn record(&mut self, row: &WrittenRow) {
        let name = record_name(row);
        let time =
            |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| json!(Timestamp::from(time)));
        let attributes = [
            ("prov:startTime", time(row.started_at)),
            ("prov:endTime", time(row.completed_at)),
            ("dats:task", Some(json!(row.task_id))),
            ("dats:project", row.project_id.clone().map(Value::from)),
            ("dats:status", Some(json!(row.status))),
        ];
        self.thing("activity", &name, told(attributes));
        let worker = row.worker_id.as_deref().map(|worker| ("worker", worker));
        let model = row.model_used.as_deref().map(|model| ("model", model));
        for (role, agent) in worker.into_iter().chain(model) {
            let agent_name = format!("dats:{role}/{}", encoded(agent));
            let kind = json!({ "$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME" });
            let attributes = [("prov:type", Some(kind)), ("prov:label", Some(json!(agent)))];
            self.thing("agent", &agent_name, told(attributes));
            self.relate(
                "wasAssociatedWith",
                json!({ "prov:activity": name, "prov:agent": agent_name, "prov:role": role }),
            );
        }
    }

    /// An entity, and what made it; its name.
    fn artifact(&mut self, node: &Node, producer: Option<&WrittenRow>) -> String {
        let artifact = format!("dats:artifact/{}", encoded(&node.artifact_id));
        let name = match producer {
            Some(row) => format!("{artifact}/{}", row.provenance_id),
            None => artifact,
        };
        let some = |text: &str| Some(json!(text)).filter(|_| !text.is_empty());
        let trust = producer.map(|row| match (row.is_tainted, row.is_suspect) {
            (true, _) => "tainted",
            (false, true) => "suspect",
            (false, false) => "clean",
        });
        let attributes = [
            ("prov:label", Some(json!(node.artifact_id))),
            ("prov:location", node.path.as_deref().and_then(some)),
            ("dats:type", some(&node.artifact_type)),
            ("dats:sha256", node.checksum.as_deref().and_then(some)),
            ("dats:trust", trust.map(Value::from)),
        ];
        self.thing("entity", &name, told(attributes));
        if let Some(row) = producer {
            let mut generated = json!({ "prov:entity": name, "prov:activity": record_name(row) });
            if let (Some(at), Some(members)) = (row.completed_at, generated.as_object_mut()) {
                members.insert("prov:time".to_owned(), json!(Timestamp::from(at)));
            }
            self.relate("wasGeneratedBy", generated);
        }
        name
    }

    /// PROV knows no incomplete documents; one of its entities says so.
    fn note_truncation(&mut self, entity: Option<&str>) {
        let found = entity.and_then(|name| self.things.get_mut("entity")?.get_mut(name)?.as_object_mut());
        if let Some(attributes) = found {
            attributes.insert("dats:truncated".to_owned(), json!(true));
        }
    }

    fn finish(self) -> Value {
        let mut document = Map::new();
        document.insert("prefix".to_owned(), json!({ "dats": NAMESPACE }));
        for (kind, things) in self.things {
            document.insert(kind.to_owned(), Value::Object(things));
        }
        for (kind, relations) in self.relations {
            let numbered = (1..).zip(relations);
            let numbered = numbered.map(|(number, relation)| (format!("_:{kind}{number}"), relation));
            document.insert(kind.to_owned(), Value::Object(numbered.collect()));
        }
        Value::Object(document)
    }
}

fn told<const COUNT: usize>(attributes: [(&str, Option<Value>); COUNT]) -> Map<String, Value> {
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn record_name(row: &WrittenRow) -> String {
    format!("dats:record/{}", row.provenance_id)
}

/// A text as part of a qualified name: everything but letters, digits and `-._` is percent-encoded.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
