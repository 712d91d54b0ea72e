//! `docs/task-lifecycle.md` shows the table that the code has: generated, and compared on every run.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use protocol::events::Failure;
use protocol::vocabulary::{Phase, TaskStatus};

use super::fixtures::{in_phase, one_of_each};
use crate::tasks::lifecycle::{Input, apply};

const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->";

/// What an input does in a phase, in one cell.
fn cell(phase: Phase, input: &Input, for_agent: bool) -> String {
    let mut driver = in_phase(phase, for_agent);
    if *input == Input::TimerDue {
        driver.now = driver.task.wake_at.unwrap_or(driver.now);
    }
    let ended = driver.task.status.is_terminal();
    match apply(&mut driver.task, input, &driver.rules, driver.now) {
        Ok(_) if ended && driver.task.status.is_terminal() => "noted".to_owned(),
        Err(ignored) if ignored.is_early() => "kept".to_owned(),
        Err(_) => String::new(),
        Ok(_) => {
            let task = &driver.task;
            match (task.status, task.attempt) {
                (TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled, _) => {
                    format!("**{}**", task.status)
                }
                (_, 1) => task.phase.to_string(),
                (_, _) => "next attempt".to_owned(),
            }
        }
    }
}

fn table() -> String {
    let mut table = String::from("| what happens |");
    for phase in Phase::ALL {
        write!(table, " {phase} |").unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(Phase::ALL.len()));
    table.push('\n');
    for (name, input) in one_of_each() {
        // An agent's result only ever means something for a task that went to an agent.
        let for_agent = match &input {
            Input::AgentCompleted(_) | Input::Dispatched { .. } => true,
            Input::Failed(failed) => failed.error.code == Failure::AGENT_FAILED,
            _ => false,
        };
        write!(table, "| {name} |").unwrap();
        for &phase in Phase::ALL {
            let reachable = !for_agent || !matches!(phase, Phase::Validating | Phase::InReview);
            let cell = if reachable { cell(phase, &input, for_agent) } else { String::new() };
            write!(table, " {cell} |").unwrap();
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_documented_table_is_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/task-lifecycle.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the document marks where its table begins");
    let (documented, after) = rest.split_once(END).expect("the document marks where its table ends");
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert!(documented == table, "the table differs from the code; run `make contract`");
    }
}
