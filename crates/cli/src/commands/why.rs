//! `dats why TASK`: why a task is where it is, in plain words, and what can be done about it.

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::task_view::{error, waiting};
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Paint, clean, time};

/// `dats why`
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The task
    task: String,
}

/// Says why a task is where it is.
pub(super) async fn run(arguments: &WhyArguments, session: &Session<'_>) -> Result<(), Failure> {
    let task = session.client.get(&format!("/tasks/{}", in_path(&arguments.task)), &[]).await?;
    let answer = json!({
        "task_id": task.at("task_id"), "status": task.at("status"), "phase": task.at("phase"),
        "waiting_for": task.at("waiting_for"), "routing": task.at("routing"), "error": task.at("error"),
        "errors": task.at("errors"), "human_actions_needed": task.at("human_actions_needed"),
    });
    let queue = if session.output.is_json() { None } else { queue_of(&task, session).await };
    session.output.answer(&answer, || paragraphs(&task, queue.as_ref(), session).join("\n"))
}

/// The queue that a task waits in for a worker, as far as anybody can tell.
async fn queue_of(task: &Value, session: &Session<'_>) -> Option<Value> {
    if task.text("phase") != "ready" {
        return None;
    }
    let name = format!("task.ready.{}", task.text("tier"));
    let answer = session.client.get("/queues", &[]).await.ok()?;
    answer.list("queues").iter().find(|queue| queue.text("name") == name).cloned()
}

fn paragraphs(task: &Value, queue: Option<&Value>, session: &Session<'_>) -> Vec<String> {
    let output = session.output;
    let mut said = vec![format!("{} {}.", output.status(task.text("status")), now(task, queue, session))];
    if let Some(routing) = routing(task) {
        said.push(format!("\n{}", output.paint("Why it went there", Paint::Strong)));
        said.extend(routing);
    }
    let failed = task.list("errors");
    if !failed.is_empty() {
        said.push(format!("\n{}", output.paint("What went wrong", Paint::Strong)));
        said.extend(failed.iter().map(|failed| {
            let attempt = failed.count("attempt");
            let again = if failed.flag("retryable") { "" } else { " (not worth another try)" };
            format!("  attempt {attempt}: {}{again}", clean(failed.text("message")))
        }));
    }
    let next = next_steps(task);
    if !next.is_empty() {
        said.push(format!("\n{}", output.paint("What you can do", Paint::Strong)));
        said.extend(next.into_iter().map(|step| format!("  {step}")));
    }
    said
}

/// Where it is, as the rest of a sentence.
fn now(task: &Value, queue: Option<&Value>, session: &Session<'_>) -> String {
    let lasting = time::lasting(task.text("updated_at"), session.now);
    let ago = time::ago(task.text("updated_at"), session.now);
    let waits = waiting(task);
    match task.text("phase") {
        _ if !waits.is_empty() => format!("for {lasting}: it waits for {waits}"),
        "submitted" => format!("for {lasting}: it waits for a free slot of its project"),
        "routing" => format!("for {lasting}: the routing-engine decides who does it"),
        "ready" => format!("for {lasting}: it waits for {}", worker(task.text("tier"), queue)),
        "executing" => {
            let worker = match task.text("worker_id") {
                "" => "a worker".to_owned(),
                worker => clean(worker),
            };
            format!("for {lasting}: {worker} works on it, attempt {}", task.count("attempt"))
        }
        "validating" => format!("for {lasting}: its output is there and QA judges it"),
        "in_review" => format!("for {lasting}: a person must decide"),
        "decomposed" => format!(
            "for {lasting}: {} of its {} subtasks are done",
            task.count("progress.completed_subtasks"),
            task.count("progress.total_subtasks")
        ),
        _ => match error(task).as_str() {
            "" => ago,
            error => format!("{ago}: {}", clean(error)),
        },
    }
}

/// Who has to take it, and how likely that is.
fn worker(tier: &str, queue: Option<&Value>) -> String {
    let Some(queue) = queue else { return format!("a worker of tier {tier} or an agent to take it") };
    match (queue.count("consumers"), queue.count("depth")) {
        (0, _) => format!("a worker of tier {tier}, and there is none: nobody takes from task.ready.{tier}"),
        (_, 0) => format!("a worker of tier {tier}, which has taken it and not said yet that it began"),
        (_, depth) => format!("a worker of tier {tier}; {depth} tasks wait for them"),
    }
}

fn routing(task: &Value) -> Option<Vec<String>> {
    let routing = task.at("routing");
    if routing.is_null() {
        return None;
    }
    let who = match routing.text("analyzer") {
        "agent-service" => "The Agent Service analysed it",
        "pinned" => "The submitter pinned where it goes",
        _ => "The built-in rules analysed it",
    };
    let instead = if routing.flag("fallback") { ", since something better did not answer" } else { "" };
    let mut said = vec![format!("  {who}{instead}.")];
    said.extend(
        routing.list("reasons").iter().map(|reason| format!("  - {}", clean(&crate::json::shown(reason)))),
    );
    Some(said)
}

fn next_steps(task: &Value) -> Vec<String> {
    let (id, project) = (task.text("task_id"), task.text("project_id"));
    let reason = task.text("waiting_for.reason");
    match (task.text("status"), task.text("phase")) {
        // The task that it was a part of has failed with it, as a rule; whether to go on is decided there.
        ("failed", _) if !task.text("parent_id").is_empty() => {
            vec![format!("dats why {}", task.text("parent_id")), format!("dats history {id}")]
        }
        ("failed", _) => vec![format!("dats retry {id}"), format!("dats history {id}")],
        (_, "in_review") => {
            let reviews = task.list("human_actions_needed").iter();
            reviews.map(|review| format!("dats review show {}", review.text("review_id"))).collect()
        }
        (_, "ready") => vec!["dats workers".to_owned(), "dats queues".to_owned()],
        (_, "decomposed") => vec![format!("dats status {id} --tree")],
        _ => match reason {
            // The detail begins with what is paused.
            "pause" => match task.text("waiting_for.detail").strip_prefix("tier ") {
                Some(tier) => {
                    let tier = tier.split_whitespace().next().unwrap_or_default();
                    vec![format!("dats resume --tier {tier}")]
                }
                None => vec![format!("dats resume --project {project}")],
            },
            "slot" => vec![
                format!("dats project status {project}"),
                format!("dats project config {project} --max-concurrent NUMBER"),
            ],
            "dependency" => {
                let before = task.list("depends_on").iter();
                before.map(|task| format!("dats why {}", crate::json::shown(task))).collect()
            }
            "tainted_input" => vec![
                "dats provenance root-cause ARTIFACT".to_owned(),
                format!("dats release {id} --reason ... (use it all the same)"),
            ],
            _ => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_waits_for_a_worker_is_told_whether_there_is_one() {
        let queue = |consumers: u64, depth: u64| json!({ "consumers": consumers, "depth": depth });
        assert!(worker("tiny", Some(&queue(0, 3))).contains("there is none"));
        assert!(worker("tiny", Some(&queue(2, 3))).contains("3 tasks wait"));
        assert!(worker("tiny", Some(&queue(2, 0))).contains("has taken it"));
        assert!(worker("tiny", None).contains("or an agent"));
    }

    #[test]
    fn every_wait_has_a_next_step() {
        for (reason, step) in [
            ("pause", "dats resume --project shop"),
            ("slot", "dats project status shop"),
            ("dependency", "dats why before"),
            ("tainted_input", "dats release it"),
        ] {
            let task = json!({
                "task_id": "it", "project_id": "shop", "status": "pending", "phase": "submitted",
                "waiting_for": { "reason": reason }, "depends_on": ["before"],
            });
            assert!(next_steps(&task).iter().any(|next| next.contains(step)), "{reason}");
        }
        let paused = json!({
            "status": "pending", "phase": "submitted",
            "waiting_for": { "reason": "pause", "detail": "tier tiny is paused since then" },
        });
        assert_eq!(next_steps(&paused), ["dats resume --tier tiny"]);
        let review = json!({
            "status": "running", "phase": "in_review", "human_actions_needed": [{ "review_id": "r1" }],
            "waiting_for": { "reason": "review" },
        });
        assert_eq!(next_steps(&review), ["dats review show r1"]);
    }

    #[test]
    fn of_a_part_that_failed_the_task_that_was_split_is_asked_next() {
        let failed = |parent: Value| json!({ "task_id": "it", "status": "failed", "phase": "done", "parent_id": parent });
        assert_eq!(next_steps(&failed(Value::Null)), ["dats retry it", "dats history it"]);
        assert_eq!(next_steps(&failed(json!("whole"))), ["dats why whole", "dats history it"]);
    }
}
