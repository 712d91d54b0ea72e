//! Work that nobody asked for by name: each reconciler compares what is with what should be and closes the gap.
//! Passes are idempotent and bounded, run on a timer and on a nudge, and bear any number of replicas.

pub(crate) mod admission;
pub(crate) mod agents;
pub(crate) mod counters;
pub(crate) mod dependencies;
pub(crate) mod family;
pub(crate) mod forecast;
pub(crate) mod inputs;
mod nudge;
pub(crate) mod queues;
pub(crate) mod retention;
pub(crate) mod rollbacks;
pub(crate) mod schedule;
pub(crate) mod timers;
pub(crate) mod workers;

use std::collections::HashMap;
use std::time::Duration;

use protocol::{ProjectId, TaskId};
use service_runtime::shutdown::{Shutdown, Stage, TaskGroup};

use crate::agents::AgentRegistry;
use crate::queues::Queues;
use crate::settings::{ReconcilerSettings, RetentionSettings, Settings, WebhookSettings};
use crate::tasks::TaskService;
use crate::webhooks::dispatcher::Dispatcher;
pub use agents::Hearing;
use nudge::Nudge;
use schedule::Reconciler;

/// Calls for the reconcilers of this replica.
#[derive(Default)]
pub(crate) struct Nudges {
    /// Projects in which a task may get a slot.
    pub(crate) admission: Nudge<ProjectId>,
    /// Tasks that ended.
    pub(crate) dependencies: Nudge<TaskId>,
    /// Something is tainted no longer.
    pub(crate) inputs: Nudge<()>,
    /// A rollback has tasks to run again.
    pub(crate) rollbacks: Nudge<()>,
    /// Split tasks whose subtasks ended, or that ended themselves.
    pub(crate) family: Nudge<TaskId>,
    /// Webhook deliveries that wait, or room for more of them.
    pub(crate) webhooks: Nudge<()>,
}

/// Starts all of them.
pub fn start(
    service: &TaskService,
    intervals: &ReconcilerSettings,
    retention: &RetentionSettings,
    idempotency_keep: Duration,
    group: &TaskGroup,
    shutdown: &Shutdown,
) {
    let starter = Starter { group, shutdown };
    let service = || service.clone();
    let every = Duration::from_millis;
    starter.start(timers::Timers { service: service(), interval: every(intervals.timers_ms) });
    starter.start(admission::Admission { service: service(), interval: every(intervals.admission_ms) });
    starter
        .start(dependencies::Dependencies { service: service(), interval: every(intervals.dependencies_ms) });
    starter.start(family::Family { service: service(), interval: every(intervals.family_ms) });
    starter.start(inputs::Inputs { service: service(), interval: every(intervals.inputs_ms) });
    starter.start(rollbacks::Rollbacks { service: service(), interval: every(intervals.rollbacks_ms) });
    starter.start(forecast::Forecast { service: service(), interval: every(intervals.forecast_ms) });
    starter.start(counters::Counters {
        service: service(),
        interval: every(intervals.counters_ms),
        last: String::new(),
        rest: Duration::ZERO,
    });
    starter.start(retention::Retention {
        service: service(),
        interval: every(intervals.retention_ms),
        settings: retention.clone(),
        idempotency_keep,
        history_walk: 0,
    });
}

/// Starts those that are there for operators to look at.
pub fn start_for_operators(
    service: &TaskService,
    queues: Queues,
    settings: &Settings,
    group: &TaskGroup,
    shutdown: &Shutdown,
) {
    let starter = Starter { group, shutdown };
    let every = Duration::from_millis;
    let intervals = &settings.reconcilers;
    starter.start(workers::Workers {
        service: service.clone(),
        interval: every(intervals.workers_ms),
        forget_after_seconds: settings.workers.forget_after_seconds,
    });
    starter.start(queues::QueueWatch { queues, interval: every(intervals.queues_ms), known: HashMap::new() });
}

/// Starts those that look after agents. `hearing` tells whether their heartbeats can be heard.
pub fn start_for_agents(
    registry: &AgentRegistry,
    intervals: &ReconcilerSettings,
    hearing: Hearing,
    group: &TaskGroup,
    shutdown: &Shutdown,
) {
    let starter = Starter { group, shutdown };
    let every = Duration::from_millis;
    starter.start(agents::Silence::new(registry.clone(), every(intervals.agents_ms), hearing));
    starter.start(agents::Forgetting { registry: registry.clone(), interval: every(intervals.retention_ms) });
}

/// Starts the one that sends webhook deliveries.
///
/// # Errors
/// If the HTTP client cannot be made.
pub fn start_for_webhooks(
    service: &TaskService,
    settings: &WebhookSettings,
    intervals: &ReconcilerSettings,
    group: &TaskGroup,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let every = Duration::from_millis(intervals.webhooks_ms);
    Starter { group, shutdown }.start(Dispatcher::new(service.clone(), settings, every)?);
    Ok(())
}

struct Starter<'a> {
    group: &'a TaskGroup,
    shutdown: &'a Shutdown,
}

impl Starter<'_> {
    fn start<R: Reconciler>(&self, reconciler: R) {
        let run = schedule::run(reconciler, self.shutdown.token(Stage::Intake));
        self.group.spawn(Stage::Intake, R::NAME, run);
    }
}
