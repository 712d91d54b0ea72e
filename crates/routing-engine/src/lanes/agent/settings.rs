//! Section `agents`: which kind of agent does which type of work, and how it is reached.

use std::collections::BTreeMap;
use std::fmt;

use messaging::BrokerSettings;
use protocol::topology::{AGENT_DEAD_LETTER_QUEUE, REPLY_QUEUE, WORK_QUEUE};
use protocol::vocabulary::AgentType;
use serde::Deserialize;
use service_runtime::settings::{Secret, SettingsError};

use super::cancel;

/// Smallest limits that leave room for what agents usually send.
const LEAST_BYTES: usize = 1024;

/// The section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsSettings {
    /// Which kind of agent does which type of work; a null takes a type out of the table.
    pub work_types: BTreeMap<String, Option<AgentType>>,
    /// Which requests survive a restart of the broker.
    pub persistence: Persistence,
    /// Own ways to kinds of agents, by agent type.
    pub routes: BTreeMap<String, RouteSettings>,
    /// Longest output passed on whole, in bytes.
    pub max_inline_output_bytes: usize,
    /// Largest message that is read from an agent, in bytes.
    pub max_reply_bytes: usize,
    /// Messages from agents taken ahead of their acknowledgement, per broker.
    pub reply_prefetch: u16,
}

/// Which requests survive a restart of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// All.
    All,
    /// Those of priority 4 and 5.
    HighPriorityOnly,
}

/// An own way to one kind of agent. What is absent is as for the others.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteSettings {
    /// Another broker, `amqp://user:password@host:port/vhost`.
    pub url: Option<Secret>,
    /// Another virtual host.
    pub virtual_host: Option<String>,
    /// Another work queue.
    pub queue: Option<String>,
}

/// Type of work to kind of agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTypes(BTreeMap<String, AgentType>);

impl WorkTypes {
    /// The kind of agent that does it.
    #[must_use]
    pub fn agent_type(&self, work_type: &str) -> Option<AgentType> {
        self.0.get(work_type).copied()
    }
}

impl fmt::Display for WorkTypes {
    /// Every known type, separated by commas.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

impl AgentsSettings {
    /// The table of work types.
    #[must_use]
    pub fn work_types(&self) -> WorkTypes {
        let known = self.work_types.iter();
        WorkTypes(known.filter_map(|(name, agent)| Some((name.clone(), (*agent)?))).collect())
    }

    /// The broker that agents of a type are connected to.
    #[must_use]
    pub fn broker_for(&self, agent_type: AgentType, events: &BrokerSettings) -> BrokerSettings {
        let Some(route) = self.routes.get(agent_type.as_str()) else { return events.clone() };
        let mut broker = events.clone();
        if let Some(url) = &route.url {
            broker.url = Some(url.clone());
        }
        match &route.virtual_host {
            Some(virtual_host) => broker.with_virtual_host(virtual_host),
            None => broker,
        }
    }

    /// The queue that agents of a type take their work from.
    #[must_use]
    pub fn queue_for(&self, agent_type: AgentType) -> &str {
        let route = self.routes.get(agent_type.as_str());
        route.and_then(|route| route.queue.as_deref()).unwrap_or(WORK_QUEUE)
    }

    /// Finds what types cannot express.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingsError> {
        for (work_type, agent_type) in &self.work_types {
            let key = format!("agents.work_types.{work_type}");
            if work_type.is_empty() || work_type == cancel::WORK_TYPE {
                return Err(SettingsError::invalid(&key, "is not for use as a work type"));
            }
            if *agent_type == Some(AgentType::Orchestrator) {
                return Err(SettingsError::invalid(&key, "orchestrator is the side that gives out work"));
            }
        }
        for (agent_type, route) in &self.routes {
            let key = format!("agents.routes.{agent_type}");
            let known = agent_type.parse::<AgentType>();
            known.map_err(|unknown| SettingsError::invalid(&key, unknown.to_string()))?;
            if !route.queue.as_deref().is_none_or(is_work_queue) {
                let problem = "must be 1 to 255 bytes and not one of the protocol's other queues";
                return Err(SettingsError::invalid(&format!("{key}.queue"), problem));
            }
        }
        for (key, value, least) in [
            ("agents.max_inline_output_bytes", self.max_inline_output_bytes, LEAST_BYTES),
            ("agents.max_reply_bytes", self.max_reply_bytes, LEAST_BYTES),
            ("agents.reply_prefetch", usize::from(self.reply_prefetch), 1),
        ] {
            if value < least {
                return Err(SettingsError::invalid(key, format!("must be at least {least}")));
            }
        }
        Ok(())
    }
}

fn is_work_queue(name: &str) -> bool {
    let taken = [REPLY_QUEUE, AGENT_DEAD_LETTER_QUEUE];
    (1..=255).contains(&name.len()) && !name.starts_with("amq.") && !taken.contains(&name)
}
