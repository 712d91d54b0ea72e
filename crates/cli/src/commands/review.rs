//! `dats review`: outputs that wait for a person's judgement.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Session;
use super::task_view::Facts;
use crate::client::in_path;
use crate::failure::Failure;
use crate::json::{Look, shown};
use crate::output::{Cell, Paint, Table, clean, time};

/// `dats review`
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// List what waits for a person's judgement, the most urgent first
    List(ListArguments),
    /// Show a review: what was to be done, what came of it, what is asked
    Show {
        /// The review
        review: String,
    },
    /// The output is good: the task is completed
    Approve {
        /// The review
        review: String,
        /// What else there is to say
        #[arg(long, value_name = "TEXT")]
        comments: Option<String>,
    },
    /// The output is not good: the next attempt begins, or the task fails if none is left
    Reject {
        /// The review
        review: String,
        /// What is wrong; feedback for the next attempt
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// The output is good once it is changed: the next attempt begins in any case
    RequestChanges {
        /// The review
        review: String,
        /// What to do better; feedback for the next attempt
        #[arg(long, value_name = "TEXT")]
        guidance: String,
        /// A change that has to be made; may be repeated
        #[arg(long = "change", value_name = "TEXT")]
        changes: Vec<String>,
    },
}

/// `dats review list`
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only of this project
    #[arg(short, long)]
    project: Option<String>,
    /// Only of this urgency: low, normal, high, critical
    #[arg(long)]
    priority: Option<String>,
}

/// Runs `dats review`.
pub(super) async fn run(command: ReviewCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        ReviewCommand::List(arguments) => list(&arguments, session).await,
        ReviewCommand::Show { review } => show(&review, session).await,
        ReviewCommand::Approve { review, comments } => {
            let members = comments.map(|comments| ("comments".to_owned(), json!(comments)));
            answer(&review, "approve", members.into_iter().collect(), session).await
        }
        ReviewCommand::Reject { review, reason } => {
            let members = [("reason".to_owned(), json!(reason))];
            answer(&review, "reject", members.into_iter().collect(), session).await
        }
        ReviewCommand::RequestChanges { review, guidance, changes } => {
            let mut members = Map::from_iter([("guidance".to_owned(), json!(guidance))]);
            if !changes.is_empty() {
                members.insert("required_changes".to_owned(), json!(changes));
            }
            answer(&review, "request-changes", members, session).await
        }
    }
}

async fn list(arguments: &ListArguments, session: &Session<'_>) -> Result<(), Failure> {
    let project = session.project_if_any(arguments.project.as_deref());
    let filters = [("project_id", project), ("priority", arguments.priority.clone())];
    let mut query: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    query.push(("limit", "200".to_owned()));
    let answer = session.client.get("/reviews", &query).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["review", "project", "priority", "asked", "task", "why"]);
        table.may_leave_out(["priority", "project"]);
        for review in answer.list("reviews") {
            table.row([
                Cell::painted(review.text("review_id"), Paint::Strong),
                review.text("project_id").into(),
                review.text("priority").into(),
                time::ago(review.text("created_at"), session.now).into(),
                Cell::painted(review.text("task_id"), Paint::Faint),
                review.text("summary").into(),
            ]);
        }
        if table.is_empty() {
            return session.output.nothing("no reviews", "Nothing waits for a person's judgement.");
        }
        let next =
            "dats review show REVIEW tells what is asked; approve, reject or request-changes answers it.";
        session.output.table(&table) + &session.output.paint(next, Paint::Faint)
    })
}

async fn show(review: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get(&format!("/reviews/{}", in_path(review)), &[]).await?;
    session.output.answer(&answer, || text(&answer, session))
}

fn text(review: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let mut facts = Facts::new();
    facts.add("review", review.text("review_id"));
    facts.add("status", output.status(review.text("status")));
    facts.add("task", format!("{}, attempt {}", review.text("task_id"), review.count("attempt")));
    facts.add("project", review.text("project_id"));
    facts.add("asked", time::ago(review.text("created_at"), session.now));
    facts.add("why", clean(review.text("summary")));
    facts.add("to be done", clean(review.text("context.task_description")));
    facts.add("came of it", clean(review.text("context.output_summary")));
    let mut text = facts.text(session);
    let questions = review.list("context.specific_questions");
    if !questions.is_empty() {
        text.push_str(&format!("\n{}\n", output.paint("Questions", Paint::Strong)));
        text.extend(questions.iter().map(|question| format!("  - {}\n", clean(&shown(question)))));
    }
    if review.text("status") == "pending" {
        let id = review.text("review_id");
        text.push_str(&format!(
            "\nAnswer it:\n  dats review approve {id}\n  dats review reject {id} --reason ...\n  \
             dats review request-changes {id} --guidance ...\n"
        ));
    }
    text
}

async fn answer(
    review: &str,
    verb: &str,
    members: Map<String, Value>,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let path = format!("/reviews/{}/{verb}", in_path(review));
    let answer = session.client.post(&path, &Value::Object(members)).await?;
    session.output.answer(&answer, || {
        let status = answer.text("status");
        format!("{review} {}. {}", session.output.status(status), clean(answer.text("message")))
    })
}
