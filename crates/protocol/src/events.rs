//! The catalogue of events: every name, its exchange and its data in one table. One file per family below.
//! Readers are tolerant: unknown members are ignored, what may be absent is an `Option` or has a default.

mod agent;
mod cascade;
mod parts;
mod provenance;
mod review;
mod task;
mod work;

pub use agent::*;
pub use cascade::*;
pub use parts::*;
pub use provenance::*;
pub use review::*;
pub use task::*;
pub use work::*;

use serde::{Deserialize, Serialize};

/// The durable topic exchanges that events travel through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// `task.events`
    Task,
    /// `qa.events`
    Qa,
    /// `cascade.events`
    Cascade,
    /// `agent.events`
    Agent,
}

impl Exchange {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Task, Self::Qa, Self::Cascade, Self::Agent];

    /// Its name at the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Task => "task.events",
            Self::Qa => "qa.events",
            Self::Cascade => "cascade.events",
            Self::Agent => "agent.events",
        }
    }
}

macro_rules! event_catalogue {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $name:literal, $exchange:ident, binding $binding:literal;)+) => {
        /// Which event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $variant),+
        }

        /// An event's data.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum EventData {
            $($(#[$doc])* $variant($data)),+
        }

        impl EventKind {
            /// Every event of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name, without a tier or status.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The exchange it is published to.
            #[must_use]
            pub const fn exchange(self) -> Exchange {
                match self { $(Self::$variant => Exchange::$exchange),+ }
            }

            /// The pattern that a queue is bound with to receive it.
            #[must_use]
            pub const fn binding_key(self) -> &'static str {
                match self { $(Self::$variant => $binding),+ }
            }

            /// Reads the data of this event.
            pub(crate) fn read(self, json: &str) -> serde_json::Result<EventData> {
                match self { $(Self::$variant => serde_json::from_str::<$data>(json).map(EventData::$variant)),+ }
            }
        }

        impl EventData {
            /// Which event it is.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $(Self::$variant(_) => EventKind::$variant),+ }
            }
        }

        $(impl From<$data> for EventData {
            fn from(data: $data) -> Self {
                Self::$variant(data)
            }
        })+
    };
}

event_catalogue! {
    /// A task attempt wants to be routed.
    TaskCreated(TaskCreated) = "task.created", Task, binding "task.created";
    /// A task attempt waits for a worker of its tier.
    TaskReady(TaskReady) = "task.ready", Task, binding "task.ready.*";
    /// A task was split.
    TaskDecomposed(TaskDecomposed) = "task.decomposed", Task, binding "task.decomposed";
    /// No way was found to run a task.
    TaskRoutingFailed(TaskRoutingFailed) = "task.routing.failed", Task, binding "task.routing.failed";
    /// A task attempt was put into an agent queue.
    TaskDispatched(TaskDispatched) = "task.dispatched", Task, binding "task.dispatched";
    /// A worker or agent began.
    TaskStarted(TaskStarted) = "task.started", Task, binding "task.started";
    /// A worker or agent tells how far it is.
    TaskProgress(TaskProgress) = "task.progress", Task, binding "task.progress";
    /// A worker produced something to be judged.
    TaskOutputCreated(TaskOutputCreated) = "task.output.created", Task, binding "task.output.created";
    /// An agent finished.
    TaskCompleted(TaskCompleted) = "task.completed", Task, binding "task.completed";
    /// QA accepted an output.
    TaskValidated(TaskValidated) = "task.validated", Task, binding "task.validated";
    /// QA rejected an output.
    TaskRejected(TaskRejected) = "task.rejected", Task, binding "task.rejected";
    /// An attempt failed.
    TaskFailed(TaskFailed) = "task.failed", Task, binding "task.failed";
    /// A task was cancelled; whoever works on it may stop.
    TaskCancelled(TaskCancelled) = "task.cancelled", Task, binding "task.cancelled";
    /// A task's status or phase changed.
    TaskStatusChanged(TaskStatusChanged) = "task.status", Task, binding "task.status.*";
    /// The provenance-store wrote a record.
    ProvenanceRecorded(ProvenanceRecorded) = "provenance.recorded", Task, binding "provenance.recorded";
    /// A person is asked.
    ReviewRequested(ReviewRequested) = "review.requested", Qa, binding "review.requested";
    /// A person answered.
    ReviewCompleted(ReviewCompleted) = "review.completed", Qa, binding "review.completed";
    /// An agent lives.
    AgentHeartbeat(AgentHeartbeat) = "agent.heartbeat", Agent, binding "agent.heartbeat";
    /// An agent fell silent.
    AgentOffline(AgentOffline) = "agent.offline", Agent, binding "agent.offline";
    /// A taint begins to spread.
    CascadeStarted(CascadeStarted) = "cascade.started", Cascade, binding "cascade.started";
    /// A taint has spread.
    CascadeCompleted(CascadeCompleted) = "cascade.completed", Cascade, binding "cascade.completed";
    /// An artifact was found wrong.
    ArtifactTainted(ArtifactTainted) = "artifact.tainted", Cascade, binding "artifact.tainted";
    /// An artifact was built on something found wrong.
    ArtifactSuspect(ArtifactSuspect) = "artifact.suspect", Cascade, binding "artifact.suspect";
    /// A suspicion was unfounded.
    ArtifactCleared(ArtifactCleared) = "artifact.cleared", Cascade, binding "artifact.cleared";
    /// Whether the newest versions of artifacts are tainted.
    ArtifactStanding(ArtifactStanding) = "artifact.standing", Cascade, binding "artifact.standing";
    /// A checkpoint is wanted.
    CheckpointRequested(CheckpointRequested) = "checkpoint.requested", Cascade, binding "checkpoint.requested";
    /// A checkpoint exists.
    CheckpointCreated(CheckpointCreated) = "checkpoint.created", Cascade, binding "checkpoint.created";
    /// A return to a checkpoint is wanted.
    RollbackRequested(RollbackRequested) = "rollback.requested", Cascade, binding "rollback.requested";
    /// A return to a checkpoint is done, or was refused.
    RollbackCompleted(RollbackCompleted) = "rollback.completed", Cascade, binding "rollback.completed";
}

impl EventKind {
    /// The event named by a CloudEvents `type`, an AMQP `type` or a routing key, with or without `dats.`
    /// and with or without the tier or status that a routing key ends in.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("dats.").unwrap_or(name);
        Self::ALL.iter().copied().find(|kind| {
            name == kind.name()
                || (kind.binding_key().ends_with(".*")
                    && name
                        .strip_prefix(kind.name())
                        .and_then(|rest| rest.strip_prefix('.'))
                        .is_some_and(|word| !word.is_empty()))
        })
    }

    /// The exchanges it is taken from: verdicts come through either of two.
    #[must_use]
    pub const fn accepted_from(self) -> &'static [Exchange] {
        match self.exchange() {
            Exchange::Qa => &[Exchange::Qa],
            Exchange::Cascade => &[Exchange::Cascade],
            Exchange::Agent => &[Exchange::Agent],
            Exchange::Task => match self {
                Self::TaskValidated | Self::TaskRejected => &[Exchange::Task, Exchange::Qa],
                _ => &[Exchange::Task],
            },
        }
    }
}

impl EventData {
    /// The routing key it is published with.
    #[must_use]
    pub fn routing_key(&self) -> String {
        match self {
            Self::TaskReady(ready) => format!("task.ready.{}", ready.tier),
            Self::TaskStatusChanged(change) => format!("task.status.{}", change.status),
            other => other.kind().name().to_owned(),
        }
    }
}

/// A value of which the reader only needs to know that it is a JSON object.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// Reads `null` like an absent member: several existing publishers write it.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_event() {
        for &kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), Some(kind));
            assert_eq!(EventKind::from_name(&format!("dats.{}", kind.name())), Some(kind));
        }
        assert_eq!(EventKind::from_name("task.ready.tiny"), Some(EventKind::TaskReady));
        assert_eq!(EventKind::from_name("task.status.completed"), Some(EventKind::TaskStatusChanged));
        assert_eq!(EventKind::from_name("task.ready."), None);
        assert_eq!(EventKind::from_name("task.created.small"), None);
    }
}
