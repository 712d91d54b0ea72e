//! What the checks add up to.

use serde::Serialize;

use super::LifePhase;

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
        let down = |required| {
            dependencies.iter().any(|dependency| {
                dependency.status == DependencyStatus::Down && dependency.required == required
            })
        };
        let status = match (down(true), down(false)) {
            (true, _) => HealthStatus::Unhealthy,
            (false, true) => HealthStatus::Degraded,
            (false, false) => HealthStatus::Healthy,
        };
        Self { phase, status, dependencies }
    }

    /// Whether requests may be sent to the service.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == LifePhase::Serving && self.status != HealthStatus::Unhealthy
    }

    /// A dependency by its name.
    #[must_use]
    pub fn dependency(&self, name: &str) -> Option<&DependencyReport> {
        self.dependencies.iter().find(|dependency| dependency.name == name)
    }
}
