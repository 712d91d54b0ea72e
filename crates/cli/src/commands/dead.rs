//! `dats dead`: messages that nobody could handle.

mod show;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Session;
use crate::failure::{Exit, Failure};
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// `dats dead`
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters
    List(Filter),
    /// Show one, with what it says
    Show {
        /// Its id
        id: String,
    },
    /// Put them back into the queues where they belong
    Redrive(ChoiceArguments),
    /// Delete them for good
    Purge(PurgeArguments),
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// In this queue
    #[arg(long)]
    queue: Option<String>,
    /// Of this event
    #[arg(long)]
    event: Option<String>,
    /// About this task
    #[arg(long)]
    task: Option<String>,
    /// With this text in their reason
    #[arg(long)]
    reason: Option<String>,
}

impl Filter {
    fn members(&self) -> Vec<(&'static str, String)> {
        let members = [
            ("queue", &self.queue),
            ("event", &self.event),
            ("task_id", &self.task),
            ("reason", &self.reason),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// `dats dead redrive`
#[derive(Debug, Args)]
pub(crate) struct ChoiceArguments {
    /// Their ids; or choose with the options
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// `dats dead purge`
#[derive(Debug, Args)]
pub(crate) struct PurgeArguments {
    #[command(flatten)]
    choice: ChoiceArguments,
    /// That it is meant: what is deleted is gone
    #[arg(long, required_unless_present = "dry_run")]
    yes: bool,
}

impl ChoiceArguments {
    fn body(&self) -> Result<Map<String, Value>, Failure> {
        let filter: Map<String, Value> =
            self.filter.members().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let choice = match (self.ids.is_empty(), filter.is_empty(), self.all) {
            (false, true, _) => ("ids", json!(self.ids)),
            (true, false, false) | (true, true, true) => ("filter", Value::Object(filter)),
            _ => {
                return Err(Failure::usage("choose dead letters by ids, by --queue and the like, or --all")
                    .hint("dats dead list shows them."));
            }
        };
        let members = [choice, ("dry_run", json!(self.dry_run))];
        Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// Runs `dats dead`.
pub(super) async fn run(command: DeadCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        DeadCommand::List(filter) => list(&filter, session).await,
        DeadCommand::Show { id } => show::run(&id, session).await,
        DeadCommand::Redrive(choice) => change("redrive", choice.body()?, session).await,
        DeadCommand::Purge(arguments) => {
            let mut body = arguments.choice.body()?;
            body.insert("confirm".to_owned(), json!(arguments.yes));
            change("purge", body, session).await
        }
    }
}

async fn list(filter: &Filter, session: &Session<'_>) -> Result<(), Failure> {
    let mut query = filter.members();
    query.push(("limit", "200".to_owned()));
    let answer = session.client.get("/dead-letters", &query).await?;
    session.output.answer(&answer, || {
        let table = table(answer.list("dead_letters"), session);
        let more = match (answer.list("dead_letters").is_empty(), answer.flag("truncated")) {
            (_, true) => "There are more; narrow it down with --queue or --event.",
            (true, false) => "Every message could be handled.",
            (false, false) => "dats dead show ID tells what one says, dats dead redrive ID puts it back.",
        };
        table + &session.output.paint(more, Paint::Faint)
    })
}

async fn change(verb: &str, body: Map<String, Value>, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.post(&format!("/dead-letters/{verb}"), &Value::Object(body)).await?;
    session.output.answer(&answer, || {
        let (redriven, purged, failed) =
            (answer.count("redriven"), answer.count("purged"), answer.count("failed"));
        if answer.flag("dry_run") {
            let shown = table(answer.list("dead_letters"), session);
            return format!("{shown}{} would be chosen; nothing was done", answer.count("matched"));
        }
        format!("{redriven} put back, {purged} deleted, {failed} failed")
    })?;
    if answer.count("failed") > 0 { Err(Failure::silent(Exit::Failed)) } else { Ok(()) }
}

/// Why it is dead; what nobody was bound for has no reason written on it.
fn reason(letter: &Value) -> &str {
    match letter.text("reason") {
        "" if letter.text("queue") == "dats.unrouted" => "no queue is bound for it",
        reason => reason,
    }
}

fn table(letters: &[Value], session: &Session<'_>) -> String {
    let mut table = Table::new(["id", "queue", "event", "died", "reason"]);
    table.may_leave_out(["queue"]);
    for letter in letters {
        table.row([
            Cell::painted(letter.text("id"), Paint::Faint),
            letter.text("queue").into(),
            letter.text("event").into(),
            time::ago(letter.text("since"), session.now).into(),
            Cell::painted(reason(letter), Paint::Bad),
        ]);
    }
    if table.is_empty() { "no dead letters\n".to_owned() } else { session.output.table(&table) }
}
