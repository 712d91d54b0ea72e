//! Which types of work go to which kind of agent. The routing-engine has the same table and decides by it; here it
//! serves to refuse unknown types before a task is made of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::vocabulary::AgentType;

/// Type of work to kind of agent. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTypes(Arc<BTreeMap<String, AgentType>>);

impl WorkTypes {
    /// Whether there are agents for it.
    #[must_use]
    pub fn contains(&self, work_type: &str) -> bool {
        self.0.contains_key(work_type)
    }

    /// Every known type, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl FromIterator<(String, AgentType)> for WorkTypes {
    fn from_iter<I: IntoIterator<Item = (String, AgentType)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }
}
