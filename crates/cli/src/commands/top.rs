//! `dats top`: everything that goes on, looked at again and again.

mod screen;
mod view;

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::screen::Screen;
use super::Session;
use crate::failure::{Exit, Failure};

/// `dats top`
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// Only this project
    #[arg(short, long)]
    project: Option<String>,
    /// Seconds between two looks
    #[arg(short, long, default_value_t = 2.0)]
    every: f64,
    /// Look this many times, then end
    #[arg(short = 'n', long, value_name = "TIMES")]
    times: Option<u64>,
}

/// Shows everything until `q` or Ctrl-C.
pub(super) async fn run(arguments: &TopArguments, session: &Session<'_>) -> Result<(), Failure> {
    let every = Duration::try_from_secs_f64(arguments.every.max(0.1))
        .map_err(|_| Failure::usage("--every must be a number of seconds"))?;
    let mut screen = Screen::open(session.output)?;
    let mut looked = 0;
    let mut trouble = 0;
    loop {
        let project = session.project_if_any(arguments.project.as_deref());
        match look(project.as_deref(), session).await {
            Ok(state) => {
                trouble = 0;
                screen.show(&state, |room| view::render(&state, room, session))?;
            }
            // Somebody who watches wants to see it come back.
            Err(failure) if failure.exit == Exit::Unavailable && looked > 0 && trouble < 30 => {
                trouble += 1;
                screen.trouble(&failure.message)?;
            }
            Err(failure) => return Err(failure),
        }
        looked += 1;
        if arguments.times.is_some_and(|times| looked >= times) || screen.wait(every).await {
            return Ok(());
        }
    }
}

/// All that is shown. What this gateway does not have, or this key may not see, is left out.
async fn look(project: Option<&str>, session: &Session<'_>) -> Result<Value, Failure> {
    let client = &session.client;
    let tasks = |status: &'static str| async move {
        let mut query = vec![("status", status.to_owned()), ("limit", "50".to_owned())];
        query.extend(project.map(|project| ("project_id", project.to_owned())));
        client.get("/tasks", &query).await
    };
    let latest = [("last", "10".to_owned())];
    let (running, pending, health, agents, queues, failures) = tokio::join!(
        tasks("running"),
        tasks("pending"),
        client.get("/health/detailed", &[]),
        client.get("/agents", &[]),
        client.get("/queues", &[]),
        client.get("/failures", &latest),
    );
    let optional = |answer: Result<Value, Failure>| match answer {
        Err(failure) if failure.exit == Exit::Unavailable => Err(failure),
        answer => Ok(answer.unwrap_or_default()),
    };
    Ok(json!({
        "running": running?, "pending": pending?, "health": optional(health)?, "agents": optional(agents)?,
        "queues": optional(queues)?, "failures": optional(failures)?, "project": project,
    }))
}
