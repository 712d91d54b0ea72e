//! Section `agents`: which work goes to agents, and how long they count as being there.

use std::collections::BTreeMap;

use protocol::vocabulary::AgentType;
use serde::Deserialize;
use service_runtime::settings::SettingsError;

use crate::agents::WorkTypes;

/// Work type of the wire protocol itself: it asks an agent to stop.
const CANCEL: &str = "cancel";

/// The section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsSettings {
    /// Which kind of agent does which type of work; a null takes a type out of the table.
    pub work_types: BTreeMap<String, Option<AgentType>>,
    /// How long an agent counts as online after a heartbeat, in seconds.
    pub online_seconds: u64,
    /// How long an agent is remembered after its last heartbeat, in seconds.
    pub forget_after_seconds: u64,
}

impl AgentsSettings {
    /// The table of work types.
    #[must_use]
    pub fn work_types(&self) -> WorkTypes {
        self.work_types.iter().filter_map(|(name, agent)| Some((name.clone(), (*agent)?))).collect()
    }

    /// Finds what types cannot express.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingsError> {
        for (work_type, agent_type) in &self.work_types {
            let key = format!("agents.work_types.{work_type}");
            if work_type.is_empty() || work_type == CANCEL {
                return Err(SettingsError::invalid(&key, "is not for use as a work type"));
            }
            if *agent_type == Some(AgentType::Orchestrator) {
                return Err(SettingsError::invalid(&key, "orchestrator is the side that gives out work"));
            }
        }
        if self.online_seconds == 0 {
            return Err(SettingsError::invalid("agents.online_seconds", "must be above 0"));
        }
        if self.forget_after_seconds < self.online_seconds {
            let problem = "must not be below agents.online_seconds";
            return Err(SettingsError::invalid("agents.forget_after_seconds", problem));
        }
        Ok(())
    }
}
