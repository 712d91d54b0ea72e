//! `dats provenance lineage|impact|root-cause ID`

use serde_json::Value;

use crate::client::in_path;
use crate::commands::Session;
use crate::failure::Failure;
use crate::json::{Look, shown};
use crate::output::{Cell, Paint, Table};

const TRUNCATED: &str = "There is more; this is the nearest part.";

async fn ask(id: &str, what: &str, session: &Session<'_>) -> Result<Value, Failure> {
    session.client.get(&format!("/provenance/{}/{what}", in_path(id)), &[]).await
}

/// Shows both directions as a list of nodes and of edges.
pub(super) async fn lineage(id: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = ask(id, "lineage", session).await?;
    session.output.answer(&answer, || {
        let mut nodes = Table::new(["artifact", "trust", "type", "task", "record"]);
        for node in answer.list("nodes") {
            nodes.row([
                Cell::painted(node.text("artifact_id"), Paint::Strong),
                Cell::status(trust(node)),
                node.text("type").into(),
                Cell::painted(node.text("task_id"), Paint::Faint),
                Cell::painted(node.text("provenance_id"), Paint::Faint),
            ]);
        }
        let mut edges = Table::new(["from", "how", "to"]);
        for edge in answer.list("edges") {
            edges.row([
                edge.text("from").into(),
                Cell::painted(edge.text("relationship"), Paint::Faint),
                edge.text("to").into(),
            ]);
        }
        let mut text = session.output.table(&nodes);
        if !edges.is_empty() {
            text.push('\n');
            text.push_str(&session.output.table(&edges));
        }
        if answer.flag("truncated") {
            text.push_str(TRUNCATED);
        }
        text
    })
}

/// What is known against an artifact. The gateway tells it as a word or as marks.
fn trust(node: &Value) -> &str {
    if node.flag("taint.is_tainted") {
        return "tainted";
    }
    if node.flag("taint.is_suspect") {
        return "suspect";
    }
    node.text("taint")
}

/// Shows what was built on an artifact.
pub(super) async fn impact(id: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = ask(id, "impact", session).await?;
    // People want to know how far away each is; programs ask for that themselves.
    let nearest = if session.output.is_json() { Value::Null } else { ask(id, "dependents", session).await? };
    session.output.answer(&answer, || {
        let output = session.output;
        let total = answer.count("total_affected");
        let (direct, depth) = (answer.list("direct_dependents").len(), answer.count("max_depth"));
        let artifact = answer.text("artifact_id");
        let mut text = match total {
            0 => format!("{} was built on {artifact}.\n", output.paint("Nothing", Paint::Good)),
            1 => format!("{} artifact was built on {artifact}.\n", output.paint("1", Paint::Warn)),
            total => format!(
                "{} artifacts were built on {artifact}, {direct} of them directly, at most {depth} steps away.\n",
                output.paint(&total.to_string(), Paint::Warn)
            ),
        };
        for (title, path) in [("projects", "projects"), ("tasks at work on it", "tasks_in_flight")] {
            let members = answer.list(path);
            if !members.is_empty() {
                let members = members.iter().map(shown).collect::<Vec<_>>().join(", ");
                text.push_str(&format!("{}: {members}\n", output.paint(title, Paint::Faint)));
            }
        }
        let dependents = nearest.list("dependents");
        if !dependents.is_empty() {
            let mut table = Table::new(["artifact", "steps", "record"]);
            for dependent in dependents {
                table.row([
                    Cell::painted(dependent.text("artifact_id"), Paint::Strong),
                    dependent.shown("depth").into(),
                    Cell::painted(dependent.text("provenance_id"), Paint::Faint),
                ]);
            }
            text.push('\n');
            text.push_str(&output.table(&table));
        }
        if answer.flag("truncated") || nearest.at("next_cursor").is_string() {
            text.push_str(TRUNCATED);
        }
        text
    })
}

/// Shows where a fault came from.
pub(super) async fn root_cause(id: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = ask(id, "root-cause", session).await?;
    session.output.answer(&answer, || {
        let output = session.output;
        let path = answer.list("path");
        match (answer.shown("root_cause").as_str(), path) {
            ("", _) => format!("Nobody is known to have made {}.", answer.text("artifact_id")),
            (root, [] | [_]) => {
                format!(
                    "Nothing that it was built on is tainted; it begins at {}.",
                    output.paint(root, Paint::Strong)
                )
            }
            (root, path) => {
                let steps: Vec<String> = path.iter().map(shown).collect();
                format!(
                    "It began at {}, {} steps away:\n  {}",
                    output.paint(root, Paint::Bad),
                    answer.count("depth"),
                    steps.join(" > ")
                )
            }
        }
    })
}
