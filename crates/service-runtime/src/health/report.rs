//! What the checks add up to.

use serde::Serialize;

use super::{Importance, LifePhase};

/// The state of the service as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Everything is there.
    Healthy,
    /// Something is away that the service can do without for a while.
    Degraded,
    /// Something is away without which the service cannot work.
    Unhealthy,
}

/// Whether a dependency answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyStatus {
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// The state of one dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyReport {
    /// Its name, as given when the check was registered.
    #[serde(skip)]
    pub name: &'static str,
    /// Whether it answers.
    pub status: DependencyStatus,
    /// What it means that it is away.
    #[serde(skip)]
    pub importance: Importance,
    /// Whether the service cannot work without it.
    pub required: bool,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The state of the service and of all it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// Where the service is in its life.
    pub phase: LifePhase,
    /// The sum of the dependencies' states.
    pub status: HealthStatus,
    /// Each dependency, in the order of registration.
    pub dependencies: Vec<DependencyReport>,
}

impl HealthReport {
    pub(super) fn new(phase: LifePhase, dependencies: Vec<DependencyReport>) -> Self {
        let mut down = dependencies.iter().filter(|dependency| dependency.status == DependencyStatus::Down);
        let status = match down.clone().any(|dependency| dependency.required) {
            true => HealthStatus::Unhealthy,
            false if down.next().is_some() => HealthStatus::Degraded,
            false => HealthStatus::Healthy,
        };
        Self { phase, status, dependencies }
    }

    /// Whether the service does its work, at once and not only later.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready_despite(|_| false)
    }

    /// As [`HealthReport::is_ready`], for one who is content with work being put off while one of the named
    /// dependencies is away. What is required is required all the same.
    #[must_use]
    pub fn is_ready_despite(&self, tolerated: impl Fn(&str) -> bool) -> bool {
        let in_the_way = |dependency: &DependencyReport| {
            dependency.status == DependencyStatus::Down
                && match dependency.importance {
                    Importance::Required => true,
                    Importance::Deferring => !tolerated(dependency.name),
                    Importance::Degrading => false,
                }
        };
        self.phase == LifePhase::Serving && !self.dependencies.iter().any(in_the_way)
    }

    /// A dependency by its name.
    #[must_use]
    pub fn dependency(&self, name: &str) -> Option<&DependencyReport> {
        self.dependencies.iter().find(|dependency| dependency.name == name)
    }
}
