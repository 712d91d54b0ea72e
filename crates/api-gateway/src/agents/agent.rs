//! An agent as it is shown, and which of them are asked for.

use chrono::{DateTime, Utc};
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, TaskId};
use serde_json::value::RawValue;

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// As it names itself; all zeros for all of its type that do not.
    pub agent_id: AgentId,
    /// Which work it takes.
    pub agent_type: AgentType,
    /// What it said last, or offline once it has been silent for too long.
    pub status: AgentStatus,
    /// Its resources as it sent them, never looked into.
    pub resources: Box<RawValue>,
    /// What it said last that it works on.
    pub current_task_id: Option<TaskId>,
    /// When its first heartbeat came.
    pub first_seen_at: DateTime<Utc>,
    /// When its last heartbeat came.
    pub last_heartbeat_at: DateTime<Utc>,
}

/// Which agents; an empty filter means all that are not forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AgentFilter {
    /// Of this type.
    pub agent_type: Option<AgentType>,
    /// In this status.
    pub status: Option<AgentStatus>,
}

/// How an agent is at a time when everyone who was heard at `online_since` or later counts as online.
pub(super) fn status_now(
    told: AgentStatus,
    last_heartbeat_at: DateTime<Utc>,
    online_since: DateTime<Utc>,
) -> AgentStatus {
    if last_heartbeat_at < online_since { AgentStatus::Offline } else { told }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn whoever_was_heard_is_as_told_and_whoever_was_not_is_offline() {
        use AgentStatus::{Busy, Offline, Online};
        let online_since = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let just_before = online_since - TimeDelta::microseconds(1);
        for (told, heard_at, expected) in [
            (Online, online_since, Online),
            (Busy, online_since, Busy),
            (Offline, online_since, Offline),
            (Online, just_before, Offline),
            (Busy, just_before, Offline),
            (Offline, just_before, Offline),
        ] {
            assert_eq!(status_now(told, heard_at, online_since), expected, "{told} {heard_at}");
        }
    }
}
