//! `docs/task-lifecycle.md` shows the table and the diagram that the code has: generated, and compared on every run.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use protocol::TaskId;
use protocol::events::Failure;
use protocol::vocabulary::{Phase, QaProfile, TaskStatus, Tier};
use uuid::Uuid;

use super::fixtures::{
    Driver, admitted, agent_completed, agent_submission, failed, one_of_each, output, ready, ready_with,
    review_requested, started, submission, subtasks_counted, validated,
};
use crate::tasks::lifecycle::{Input, apply};
use crate::tasks::task::{Task, WaitingReason};

/// Where a task can be: a phase, but for those that mean several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    In(Phase),
    /// Blocked by a tainted input rather than by a task that it depends on.
    Held,
    Ended(TaskStatus),
}

impl State {
    fn all() -> Vec<Self> {
        let ends = TaskStatus::ALL.iter().filter(|status| status.is_terminal());
        let states_of = |&phase: &Phase| match phase {
            Phase::Blocked => vec![Self::In(phase), Self::Held],
            Phase::Done => ends.clone().map(|&status| Self::Ended(status)).collect(),
            _ => vec![Self::In(phase)],
        };
        Phase::ALL.iter().flat_map(states_of).collect()
    }

    fn of(task: &Task) -> Self {
        let held = task.waiting.as_ref().is_some_and(|waiting| waiting.reason == WaitingReason::TaintedInput);
        match task.phase {
            Phase::Done => Self::Ended(task.status),
            Phase::Blocked if held => Self::Held,
            phase => Self::In(phase),
        }
    }

    /// As the table's columns call it.
    fn column(self) -> String {
        match self {
            Self::Held => "blocked: tainted".to_owned(),
            _ => self.node(),
        }
    }

    /// As the diagram calls it.
    fn node(self) -> String {
        match self {
            Self::In(phase) => phase.to_string(),
            Self::Held => Phase::Blocked.to_string(),
            Self::Ended(status) => status.to_string(),
        }
    }
}

/// How a task comes to a state, where that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Usual,
    /// The worker's events overtake the routing decision.
    Overtaking,
    /// Nobody is to judge the output: the task says so, and so does routing.
    Unjudged,
    /// Through the hands of an agent, whose output nobody judges either.
    Agent,
}

impl Way {
    fn leads_to(self, state: State) -> bool {
        let judged = matches!(state, State::In(Phase::Validating | Phase::InReview));
        !(judged && matches!(self, Self::Unjudged | Self::Agent))
    }

    /// A task in the state: with attempts to spare, or in the last one that it and its reviewers have.
    fn task_in(self, state: State, last_attempt: bool) -> Driver {
        let mut submission = if self == Self::Agent { agent_submission() } else { submission() };
        if state == State::In(Phase::Blocked) {
            submission.depends_on = vec![TaskId(Uuid::from_u128(9))];
        }
        submission.options.max_attempts = last_attempt.then_some(1);
        submission.options.qa_profile = (self == Self::Unjudged).then_some(QaProfile::None);
        let mut driver = Driver::new(submission);
        if last_attempt {
            driver.rules.review_extra_attempts = 0;
        }
        for input in self.inputs_to(state) {
            driver.must(input);
        }
        assert_eq!(State::of(&driver.task), state, "{self:?}");
        driver
    }

    fn inputs_to(self, state: State) -> Vec<Input> {
        let decision = match self {
            Self::Usual | Self::Overtaking => ready(1),
            Self::Unjudged => ready_with(1, Tier::Small, QaProfile::None),
            Self::Agent => Input::Dispatched { attempt: 1 },
        };
        let and = |mut inputs: Vec<Input>, more: Input| {
            inputs.push(more);
            inputs
        };
        let decided = vec![admitted(), decision];
        let begun = match self {
            Self::Overtaking => vec![admitted(), started(Some(1))],
            _ => and(decided.clone(), started(Some(1))),
        };
        match state {
            State::In(Phase::Submitted | Phase::Blocked | Phase::Done) => Vec::new(),
            State::Held => vec![Input::InputTainted { artifact: "artifact-1".to_owned() }],
            State::In(Phase::Routing) => vec![admitted()],
            State::In(Phase::Ready) => decided,
            State::In(Phase::Executing) => begun,
            State::In(Phase::Validating) => and(begun, output(Some(1))),
            State::In(Phase::InReview) => and(and(begun, output(Some(1))), review_requested()),
            State::In(Phase::Decomposed) => {
                vec![admitted(), Input::Decomposed { attempt: 1, subtasks: 2, routing: None }]
            }
            State::Ended(TaskStatus::Cancelled) => and(begun, Input::Cancel { reason: String::new() }),
            State::Ended(TaskStatus::Failed) => and(begun, failed(Some(1), false)),
            State::Ended(_) => match self {
                Self::Agent => and(begun, agent_completed(None)),
                Self::Unjudged => and(begun, output(Some(1))),
                _ => and(and(begun, output(Some(1))), validated(Some(1))),
            },
        }
    }
}

/// What an input does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Kept,
    Noted,
    To(State),
    NextAttempt,
}

impl Outcome {
    fn cell(self) -> String {
        match self {
            Self::Kept => "kept".to_owned(),
            Self::Noted => "noted".to_owned(),
            Self::NextAttempt => "next".to_owned(),
            Self::To(end @ State::Ended(_)) => format!("**{}**", end.column()),
            Self::To(state) => state.column(),
        }
    }
}

/// One kind of thing that happens, and the way of the tasks that it happens to.
struct Row {
    name: &'static str,
    input: Input,
    way: Way,
}

impl Row {
    /// The input by its name; several where it depends on a detail, or on the task, what it means.
    fn of((name, input): (&'static str, Input)) -> Vec<Self> {
        let row = |name, input, way| Self { name, input, way };
        match input {
            Input::Ready(_) => vec![
                row(name, input, Way::Overtaking),
                row("ready, no QA", ready_with(1, Tier::Small, QaProfile::None), Way::Overtaking),
            ],
            Input::Output(ref told) if told.attempt == Some(1) => {
                vec![row(name, input.clone(), Way::Usual), row("output, no QA", input, Way::Unjudged)]
            }
            Input::SubtasksCounted { .. } => vec![
                row("subtask completed", subtasks_counted(1, 0), Way::Usual),
                row("last subtask completed", subtasks_counted(2, 0), Way::Usual),
                row("subtask failed", subtasks_counted(0, 1), Way::Usual),
            ],
            // These only ever mean something for a task that went to an agent.
            Input::AgentCompleted(_) | Input::AgentLost { .. } | Input::Dispatched { .. } => {
                vec![row(name, input, Way::Agent)]
            }
            Input::Failed(ref told) if told.error.code == Failure::AGENT_FAILED => {
                vec![row(name, input, Way::Agent)]
            }
            input => vec![row(name, input, Way::Usual)],
        }
    }

    fn all() -> Vec<Self> {
        one_of_each().into_iter().flat_map(Self::of).collect()
    }

    /// What it does in the state: nothing, one thing, or another one where no attempt is left.
    fn outcomes(&self, state: State) -> Vec<Outcome> {
        if !self.way.leads_to(state) {
            return Vec::new();
        }
        let mut outcomes: Vec<_> =
            [false, true].into_iter().filter_map(|last_attempt| self.outcome(state, last_attempt)).collect();
        outcomes.dedup();
        outcomes
    }

    fn outcome(&self, state: State, last_attempt: bool) -> Option<Outcome> {
        let mut driver = self.way.task_in(state, last_attempt);
        if self.input == Input::TimerDue {
            driver.now = driver.task.wake_at.unwrap_or(driver.now);
        }
        match apply(&mut driver.task, &self.input, &driver.rules, driver.now) {
            Err(ignored) => ignored.is_early().then_some(Outcome::Kept),
            Ok(_) if driver.task.attempt > 1 => Some(Outcome::NextAttempt),
            Ok(_) => match State::of(&driver.task) {
                after if after == state => Some(Outcome::Noted),
                after => Some(Outcome::To(after)),
            },
        }
    }
}

fn table() -> String {
    let states = State::all();
    let mut table = String::from("| what happens |");
    for state in &states {
        write!(table, " {} |", state.column()).unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(states.len()));
    table.push('\n');
    for row in Row::all() {
        write!(table, "| {} |", row.name).unwrap();
        for &state in &states {
            let cells: Vec<_> = row.outcomes(state).into_iter().map(Outcome::cell).collect();
            write!(table, " {} |", cells.join(" or ")).unwrap();
        }
        table.push('\n');
    }
    table
}

/// An edge of the diagram, for one of the reasons that there may be.
struct Edge {
    from: String,
    to: String,
    label: String,
}

/// All that leads from one state to another, but for cancelling, which does so everywhere.
fn edges() -> Vec<Edge> {
    let mut edges = Vec::new();
    let rows: Vec<_> =
        Row::all().into_iter().filter(|row| !matches!(row.input, Input::Cancel { .. })).collect();
    for state in State::all() {
        for row in &rows {
            let outcomes = row.outcomes(state);
            for &outcome in &outcomes {
                let to = match outcome {
                    Outcome::Kept | Outcome::Noted => continue,
                    Outcome::NextAttempt => State::In(Phase::Submitted),
                    Outcome::To(state) => state,
                };
                let runs_out = to == State::Ended(TaskStatus::Failed) && outcomes.len() > 1;
                // A colon would end the label, a comma is what separates several.
                let name = row.name.replace([':', ','], "");
                let label = if runs_out { "no attempt left".to_owned() } else { name };
                edges.push(Edge { from: state.node(), to: to.node(), label });
            }
        }
    }
    edges.retain(|edge| edge.from != edge.to);
    edges
}

fn diagram() -> String {
    let mut nodes: Vec<_> = State::all().into_iter().map(State::node).collect();
    nodes.dedup();
    let edges = edges();
    let mut diagram = String::from("```mermaid\nstateDiagram-v2\n    [*] --> submitted\n");
    diagram.push_str("    [*] --> blocked : depends on other tasks\n");
    for from in &nodes {
        for to in &nodes {
            let mut labels: Vec<&str> = Vec::new();
            for edge in edges.iter().filter(|edge| edge.from == *from && edge.to == *to) {
                if !labels.contains(&edge.label.as_str()) {
                    labels.push(&edge.label);
                }
            }
            if !labels.is_empty() {
                writeln!(diagram, "    {from} --> {to} : {}", labels.join(", ")).unwrap();
            }
        }
    }
    for state in State::all() {
        if matches!(state, State::Ended(_)) {
            writeln!(diagram, "    {} --> [*]", state.node()).unwrap();
        }
    }
    diagram.push_str("```\n");
    diagram
}

/// The document with a generated part in place of what is between the part's marks.
fn renewed(document: &str, part: &str, generated: &str) -> String {
    let (begin, end) = (format!("<!-- {part}: begin -->\n"), format!("<!-- {part}: end -->"));
    let (before, rest) = document.split_once(&begin).expect("the document marks where the part begins");
    let (_, after) = rest.split_once(&end).expect("the document marks where the part ends");
    format!("{before}{begin}{generated}{end}{after}")
}

#[test]
fn the_documented_table_and_diagram_are_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/task-lifecycle.md");
    let document = fs::read_to_string(&path).unwrap();
    let with_diagram = renewed(&document, "diagram", &diagram());
    let with_both = renewed(&with_diagram, "table", &table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, with_both).unwrap();
    } else {
        assert!(with_diagram == document, "the diagram differs from the code; run `make contract`");
        assert!(with_both == document, "the table differs from the code; run `make contract`");
    }
}
