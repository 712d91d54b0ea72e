//! Every phase times every input: what happens, in one reviewable table.

use std::fmt::Write;

use protocol::vocabulary::Phase;

use super::fixtures::{in_phase, one_of_each};
use crate::tasks::lifecycle::{Input, apply};

fn matrix(for_agent: bool, phases: &[Phase]) -> String {
    let mut table = String::new();
    for &phase in phases {
        writeln!(table, "{phase}").unwrap();
        for (name, input) in one_of_each() {
            let mut driver = in_phase(phase, for_agent);
            if input == Input::TimerDue {
                driver.now = driver.task.wake_at.unwrap_or(driver.now);
            }
            let before = driver.task.clone();
            let outcome = match apply(&mut driver.task, &input, &driver.rules, driver.now) {
                Ok(effects) => {
                    assert_eq!(driver.task.sequence, before.sequence + 1, "{name} while {phase}");
                    let task = &driver.task;
                    format!("{}/{} attempt {} {effects:?}", task.status, task.phase, task.attempt)
                }
                Err(ignored) => {
                    assert_eq!(driver.task, before, "{name} while {phase} was ignored but changed the task");
                    format!("- {ignored}")
                }
            };
            writeln!(table, "  {name:26} {outcome}").unwrap();
        }
    }
    table
}

#[test]
fn what_happens_to_a_task_for_workers() {
    insta::assert_snapshot!("workers", matrix(false, Phase::ALL));
}

#[test]
fn what_happens_to_a_task_for_agents() {
    let reachable = [Phase::Submitted, Phase::Routing, Phase::Ready, Phase::Executing, Phase::Done];
    insta::assert_snapshot!("agents", matrix(true, &reachable));
}
