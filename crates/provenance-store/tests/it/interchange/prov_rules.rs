//! The rules of PROV-JSON (W3C member submission of 2013-04-24), as far as our documents use them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What each relation refers to: the members it must have, and of which kind they are; `?` before a member that may
/// be left out.
const RELATIONS: [(&str, &[(&str, &str)]); 4] = [
    ("used", &[("prov:activity", "activity"), ("prov:entity", "entity")]),
    ("wasGeneratedBy", &[("prov:entity", "entity"), ("prov:activity", "activity")]),
    (
        "wasDerivedFrom",
        &[("prov:generatedEntity", "entity"), ("prov:usedEntity", "entity"), ("?prov:activity", "activity")],
    ),
    ("wasAssociatedWith", &[("prov:activity", "activity"), ("prov:agent", "agent")]),
];
const THINGS: [&str; 3] = ["entity", "activity", "agent"];
/// Attributes that hold times.
const TIMES: [&str; 3] = ["prov:startTime", "prov:endTime", "prov:time"];

/// Everything that is wrong with a document.
pub(crate) fn violations(document: &Value) -> Vec<String> {
    let mut rules = Rules { prefixes: prefixes(document), found: Vec::new() };
    let Some(members) = document.as_object() else { return vec!["not an object".to_owned()] };
    for (name, content) in members.iter().filter(|(name, _)| *name != "prefix") {
        let Some(content) = content.as_object() else {
            rules.found.push(format!("{name} is not an object"));
            continue;
        };
        if THINGS.contains(&name.as_str()) {
            rules.things(name, content);
        } else if let Some((_, wanted)) = RELATIONS.iter().find(|(relation, _)| relation == name) {
            rules.relations(name, content, wanted, members);
        } else {
            rules.found.push(format!("{name} is no part of PROV-JSON that we write"));
        }
    }
    rules.found
}

/// `prov` and `xsd` are known to everybody.
fn prefixes(document: &Value) -> BTreeSet<String> {
    let told = document["prefix"].as_object().into_iter().flatten();
    let told = told.filter(|(_, uri)| uri.as_str().is_some_and(|uri| uri.contains(':')));
    told.map(|(name, _)| name.clone()).chain(["prov".to_owned(), "xsd".to_owned()]).collect()
}

struct Rules {
    prefixes: BTreeSet<String>,
    found: Vec<String>,
}

impl Rules {
    fn qualified(&mut self, name: &str) {
        let local_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%@+*?#$!&".contains(c);
        let is_good = name.split_once(':').is_some_and(|(prefix, local)| {
            self.prefixes.contains(prefix) && !local.is_empty() && local.chars().all(local_allowed)
        });
        if !is_good {
            self.found.push(format!("{name:?} is no qualified name of a known prefix"));
        }
    }

    fn things(&mut self, kind: &str, things: &Map<String, Value>) {
        for (name, attributes) in things {
            self.qualified(name);
            match attributes.as_object() {
                Some(attributes) => self.attributes(attributes),
                None => self.found.push(format!("{kind} {name} has no attributes' object")),
            }
        }
    }

    fn relations(
        &mut self,
        kind: &str,
        relations: &Map<String, Value>,
        wanted: &[(&str, &str)],
        document: &Map<String, Value>,
    ) {
        for (name, members) in relations {
            if !name.starts_with("_:") {
                self.qualified(name);
            }
            let Some(members) = members.as_object() else {
                self.found.push(format!("{kind} {name} is not an object"));
                continue;
            };
            self.attributes(members);
            for (member, refers_to) in wanted {
                let (member, optional) =
                    member.strip_prefix('?').map_or((*member, false), |name| (name, true));
                match members.get(member).and_then(Value::as_str) {
                    Some(target) => {
                        if document.get(*refers_to).is_none_or(|things| things.get(target).is_none()) {
                            self.found.push(format!("{kind} {name}: {member} {target:?} is no {refers_to}"));
                        }
                    }
                    None if optional => {}
                    None => self.found.push(format!("{kind} {name} has no {member}")),
                }
            }
        }
    }

    fn attributes(&mut self, attributes: &Map<String, Value>) {
        for (name, value) in attributes {
            self.qualified(name);
            let typed = |value: &Value| {
                value.as_object().is_some_and(|object| {
                    object.get("$").is_some_and(|value| !value.is_object() && !value.is_array())
                        && object.keys().all(|key| ["$", "type", "lang"].contains(&key.as_str()))
                })
            };
            let is_literal =
                |value: &Value| value.is_string() || value.is_number() || value.is_boolean() || typed(value);
            let is_good = match value {
                Value::Array(values) => values.iter().all(is_literal),
                value => is_literal(value),
            };
            if !is_good {
                self.found.push(format!("{name} has the value {value}"));
            }
            let is_time = |value: &Value| {
                value.as_str().is_some_and(|text| text.parse::<protocol::Timestamp>().is_ok())
            };
            if TIMES.contains(&name.as_str()) && !is_time(value) {
                self.found.push(format!("{name} is no time: {value}"));
            }
        }
    }
}
