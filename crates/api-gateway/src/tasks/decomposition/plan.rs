//! Plans of subtasks come from outside: checked here, as a whole, before anything is stored.

use std::collections::{HashMap, HashSet};

use protocol::events::Subtask;
use protocol::text;
use thiserror::Error;

/// Most characters of a description, as for a task that is submitted.
const MAX_DESCRIPTION_CHARS: usize = 100_000;

/// How large plans may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimits {
    /// Subtasks of one task.
    pub max_subtasks: usize,
    /// Levels of splitting below a submitted task.
    pub max_depth: u32,
}

/// Why a plan is refused. The text becomes the task's error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Nothing in it.
    #[error("the plan has no subtasks")]
    Empty,
    /// Too many subtasks.
    #[error("the plan has {actual} subtasks, allowed are {max}")]
    TooMany {
        /// In the plan.
        actual: usize,
        /// Allowed.
        max: usize,
    },
    /// The task is itself the result of splitting, too many times over.
    #[error("subtasks may be split {max} levels deep")]
    TooDeep {
        /// Levels allowed.
        max: u32,
    },
    /// Two subtasks of one name.
    #[error("two subtasks are called {0:?}")]
    DuplicateId(String),
    /// A subtask without a usable description.
    #[error("the description of subtask {id:?} {problem}")]
    Description {
        /// Which subtask.
        id: String,
        /// What is wrong with it.
        problem: text::InvalidText,
    },
    /// A dependency on something that is not in the plan.
    #[error("subtask {subtask:?} depends on {dependency:?}, which is not in the plan")]
    UnknownDependency {
        /// Which subtask.
        subtask: String,
        /// What it names.
        dependency: String,
    },
    /// Subtasks that wait for each other.
    #[error("subtasks depend on each other in a circle: {}", .0.join(", "))]
    Cyclic(Vec<String>),
}

/// One step of a plan that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The subtask as it was planned.
    pub subtask: Subtask,
    /// The steps it builds on, as positions in the plan; all of them come before it.
    pub builds_on: Vec<usize>,
}

/// Checks a plan for a task that is `depth` levels below a submitted one, and orders it so that every step comes
/// after those it builds on; otherwise the order stays as it was.
///
/// # Errors
/// The first thing that makes the plan impossible.
pub fn order(plan: &[Subtask], depth: u32, limits: PlanLimits) -> Result<Vec<Step>, PlanError> {
    if plan.is_empty() {
        return Err(PlanError::Empty);
    }
    if plan.len() > limits.max_subtasks {
        return Err(PlanError::TooMany { actual: plan.len(), max: limits.max_subtasks });
    }
    if depth >= limits.max_depth {
        return Err(PlanError::TooDeep { max: limits.max_depth });
    }
    check_members(plan)?;
    let mut placed: HashMap<&str, usize> = HashMap::with_capacity(plan.len());
    let mut steps: Vec<Step> = Vec::with_capacity(plan.len());
    while steps.len() < plan.len() {
        let before = steps.len();
        for subtask in plan {
            if placed.contains_key(subtask.id.as_str()) {
                continue;
            }
            let builds_on: Option<Vec<usize>> =
                distinct(&subtask.dependencies).map(|name| placed.get(name).copied()).collect();
            if let Some(builds_on) = builds_on {
                placed.insert(&subtask.id, steps.len());
                steps.push(Step { subtask: subtask.clone(), builds_on });
            }
        }
        if steps.len() == before {
            let stuck = plan.iter().filter(|subtask| !placed.contains_key(subtask.id.as_str()));
            return Err(PlanError::Cyclic(stuck.map(|subtask| subtask.id.clone()).collect()));
        }
    }
    Ok(steps)
}

fn check_members(plan: &[Subtask]) -> Result<(), PlanError> {
    let mut names = HashSet::with_capacity(plan.len());
    for subtask in plan {
        if !names.insert(subtask.id.as_str()) {
            return Err(PlanError::DuplicateId(subtask.id.clone()));
        }
        text::check(&subtask.description, MAX_DESCRIPTION_CHARS, "any text without NUL", |c| c != '\0')
            .map_err(|problem| PlanError::Description { id: subtask.id.clone(), problem })?;
    }
    for subtask in plan {
        if let Some(unknown) = subtask.dependencies.iter().find(|name| !names.contains(name.as_str())) {
            return Err(PlanError::UnknownDependency {
                subtask: subtask.id.clone(),
                dependency: unknown.clone(),
            });
        }
    }
    Ok(())
}

fn distinct(names: &[String]) -> impl Iterator<Item = &str> {
    let mut seen = HashSet::new();
    names.iter().map(String::as_str).filter(move |name| seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: PlanLimits = PlanLimits { max_subtasks: 20, max_depth: 5 };

    fn subtask(id: &str, dependencies: &[&str]) -> Subtask {
        Subtask {
            id: id.to_owned(),
            description: format!("do {id}"),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
            domain: None,
            tier: None,
            is_atomic: true,
        }
    }

    fn refused(plan: &[Subtask]) -> PlanError {
        order(plan, 0, LIMITS).unwrap_err()
    }

    #[test]
    fn steps_come_after_what_they_build_on() {
        let plan =
            [subtask("test", &["build", "build"]), subtask("build", &["design"]), subtask("design", &[])];
        let steps = order(&plan, 0, LIMITS).unwrap();
        let names: Vec<_> = steps.iter().map(|step| step.subtask.id.as_str()).collect();
        assert_eq!(names, ["design", "build", "test"]);
        assert_eq!(steps[2].builds_on, [1], "a dependency named twice counts once");
    }

    #[test]
    fn impossible_plans_are_refused_with_the_reason() {
        assert_eq!(refused(&[]), PlanError::Empty);
        let many: Vec<_> = (0..21).map(|number| subtask(&number.to_string(), &[])).collect();
        assert_eq!(refused(&many), PlanError::TooMany { actual: 21, max: 20 });
        assert_eq!(order(&many[..1], 5, LIMITS), Err(PlanError::TooDeep { max: 5 }));
        assert_eq!(refused(&[subtask("a", &[]), subtask("a", &[])]), PlanError::DuplicateId("a".to_owned()));
        let unknown = refused(&[subtask("a", &["b"])]);
        assert_eq!(unknown.to_string(), "subtask \"a\" depends on \"b\", which is not in the plan");
        let circle = refused(&[subtask("a", &["b"]), subtask("b", &["a"]), subtask("c", &[])]);
        assert_eq!(circle, PlanError::Cyclic(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(refused(&[subtask("a", &["a"])]), PlanError::Cyclic(vec!["a".to_owned()]));
        let empty = Subtask { description: String::new(), ..subtask("a", &[]) };
        assert!(matches!(refused(&[empty]), PlanError::Description { .. }));
    }

    proptest! {
        #[test]
        fn every_plan_is_ordered_completely_or_refused(
            edges in prop::collection::vec((0usize..8, 0usize..8), 0..20),
        ) {
            let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
            let plan: Vec<Subtask> = names
                .iter()
                .enumerate()
                .map(|(position, name)| {
                    let on = edges.iter().filter(|(from, _)| *from == position);
                    subtask(name, &on.map(|(_, to)| names[*to].as_str()).collect::<Vec<_>>())
                })
                .collect();
            match order(&plan, 0, LIMITS) {
                Ok(steps) => {
                    prop_assert_eq!(steps.len(), plan.len());
                    for (position, step) in steps.iter().enumerate() {
                        prop_assert!(step.builds_on.iter().all(|&earlier| earlier < position));
                    }
                }
                Err(PlanError::Cyclic(stuck)) => prop_assert!(!stuck.is_empty()),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
