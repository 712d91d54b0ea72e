//! The heartbeats of one batch, brought together: the newest of each agent counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use protocol::events::{AgentHeartbeat, JsonObject};
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, TaskId, Timestamp};
use uuid::Uuid;

/// A heartbeat and when it was received. The time that the agent wrote into it is its own clock's, and its own affair.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) agent_id: AgentId,
    pub(crate) agent_type: AgentType,
    pub(crate) status: AgentStatus,
    pub(crate) resources: JsonObject,
    pub(crate) current_task_id: Option<TaskId>,
    pub(crate) at: DateTime<Utc>,
}

/// What several heartbeats of one agent come to.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) newest: &'a Sighting,
    times: BTreeSet<DateTime<Utc>>,
}

/// The heartbeats of a batch by agent, in an order that is the same for everybody who locks their rows.
#[derive(Debug)]
pub(crate) struct Sightings<'a>(BTreeMap<(AgentId, Option<AgentType>), Seen<'a>>);

impl Sighting {
    /// A heartbeat that was received at `received_at`.
    pub(crate) fn new(heartbeat: AgentHeartbeat, received_at: Timestamp) -> Self {
        Self {
            agent_id: heartbeat.agent_id,
            agent_type: heartbeat.agent_type,
            status: heartbeat.status,
            resources: heartbeat.resources,
            current_task_id: heartbeat.current_task_id,
            at: received_at.to_utc(),
        }
    }

    /// Agents without an id of their own are told apart by their type.
    fn key(&self) -> (AgentId, Option<AgentType>) {
        let unnamed = self.agent_id.as_uuid() == Uuid::nil();
        (self.agent_id, unnamed.then_some(self.agent_type))
    }
}

impl Seen<'_> {
    pub(super) fn first_at(&self) -> DateTime<Utc> {
        self.times.first().copied().unwrap_or(self.newest.at)
    }

    /// How many; the same one delivered twice is one.
    pub(super) fn count(&self) -> i64 {
        i64::try_from(self.times.len()).unwrap_or(i64::MAX)
    }
}

impl<'a> Sightings<'a> {
    /// Brings heartbeats together.
    pub(crate) fn of(heartbeats: impl IntoIterator<Item = &'a Sighting>) -> Self {
        let mut agents: BTreeMap<_, Seen<'a>> = BTreeMap::new();
        for sighting in heartbeats {
            let seen = agents
                .entry(sighting.key())
                .or_insert_with(|| Seen { newest: sighting, times: BTreeSet::new() });
            if sighting.at > seen.newest.at {
                seen.newest = sighting;
            }
            seen.times.insert(sighting.at);
        }
        Self(agents)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(id: u128, agent_type: AgentType, second: i64) -> Sighting {
        Sighting {
            agent_id: AgentId(Uuid::from_u128(id)),
            agent_type,
            status: AgentStatus::Online,
            resources: JsonObject::new(),
            current_task_id: None,
            at: DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap(),
        }
    }

    #[test]
    fn the_newest_of_each_agent_counts_and_a_redelivery_is_no_second_heartbeat() {
        use AgentType::{Code, Infra};
        let batch = [
            sighting(7, Infra, 2),
            sighting(7, Infra, 5),
            sighting(7, Infra, 5),
            sighting(7, Code, 1),
            sighting(3, Infra, 9),
            sighting(0, Infra, 4),
            sighting(0, Code, 4),
        ];
        let sightings = Sightings::of(&batch);
        let seen: Vec<_> = sightings
            .iter()
            .map(|seen| (seen.newest.agent_id.as_uuid().as_u128(), seen.newest.agent_type, seen.count()))
            .collect();
        assert_eq!(seen, [(0, Infra, 1), (0, Code, 1), (3, Infra, 1), (7, Infra, 3)]);
        let named = sightings.iter().last().unwrap();
        assert_eq!((named.first_at(), named.newest.at), (batch[3].at, batch[1].at));
    }
}
