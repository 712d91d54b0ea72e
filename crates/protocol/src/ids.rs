//! Identifiers. UUID-shaped ones are distinct types so that a task id is never taken for a trace id;
//! text ones are checked when they are made and cannot hold anything else afterwards.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::{self, InvalidText};

/// Namespace of every provenance id, fixed by the contract (section 1.6).
const PROVENANCE_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_7b1e_6c0a_5d2e_9a55_0d5c_1f6f_6a11);
/// Namespace of ids that are derived from the id of the event that led to them.
const CAUSATION_NAMESPACE: Uuid = Uuid::from_u128(0x2b0f_6a0d_0d0b_5c1e_8d5e_4f1a_7c36_9e02);
/// Namespace of ids made for messages that came without one.
const CONTENT_NAMESPACE: Uuid = Uuid::from_u128(0x8e1c_57f4_93b7_5a60_b1b2_d2c4_5e0a_71d9);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The plain UUID.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    };
}

uuid_id!(
    /// One unit of work. Version 7, so newer tasks sort after older ones.
    TaskId
);
uuid_id!(
    /// Everything that one outside request led to: the same 16 bytes as its W3C trace id.
    TraceId
);
uuid_id!(
    /// One hand-over of a task attempt to an agent; a redelivery repeats it, a new attempt has a new one.
    RequestId
);
uuid_id!(
    /// One event. Consumers remember it, so that a redelivery changes nothing.
    EventId
);
uuid_id!(
    /// The provenance record of one task attempt.
    ProvenanceId
);
uuid_id!(
    /// A point in a project's record order that can be returned to.
    CheckpointId
);
uuid_id!(
    /// One return to a checkpoint.
    RollbackId
);
uuid_id!(
    /// An agent as it names itself; many agents make a new one for every heartbeat.
    AgentId
);

impl TaskId {
    /// A new time-ordered id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl TraceId {
    /// A new random id; never all zeros, which W3C Trace Context forbids.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

impl RequestId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

impl EventId {
    /// A new time-ordered id, for an event that begins a chain.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of an event that follows from `cause`. The same cause and `kind` give the same id, so that a
    /// stateless service that handles a redelivery repeats itself word for word.
    #[must_use]
    pub fn derived(cause: Self, kind: &str) -> Self {
        let mut name = cause.0.as_bytes().to_vec();
        name.extend_from_slice(kind.as_bytes());
        Self(Uuid::new_v5(&CAUSATION_NAMESPACE, &name))
    }

    /// The id of a message that carries none, or none that is a UUID: equal parts give equal ids.
    #[must_use]
    pub fn of_content(parts: &[&[u8]]) -> Self {
        let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part);
        }
        Self(Uuid::new_v5(&CONTENT_NAMESPACE, &name))
    }
}

impl ProvenanceId {
    /// The record id of an attempt, as every service and client can compute it without asking (contract 1.6).
    #[must_use]
    pub fn of_attempt(task_id: TaskId, attempt: u32) -> Self {
        Self(Uuid::new_v5(&PROVENANCE_NAMESPACE, format!("{task_id}/{attempt}").as_bytes()))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, max: $max:expr, allowed: $allowed:expr, accepts: $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Most characters allowed.
            pub const MAX_CHARS: usize = $max;

            /// Checks and wraps `text`.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidText> {
                let text = text.into();
                text::check(&text, Self::MAX_CHARS, $allowed, $accepts)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": $max })
            }
        }
    };
}

text_id!(
    /// A project: the unit of concurrency limits, counters and checkpoints.
    ProjectId, max: 255, allowed: "letters, digits and . _ : -",
    accepts: |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c)
);
text_id!(
    /// Something a task produced or consumed; named from outside, hence any text.
    ArtifactId, max: 255, allowed: "any text without NUL",
    accepts: |c: char| c != '\0'
);

impl Default for ProjectId {
    /// The project that always exists.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provenance_id_is_the_same_for_everybody() {
        let task = TaskId(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(ProvenanceId::of_attempt(task, 1), ProvenanceId::of_attempt(task, 1));
        assert_ne!(ProvenanceId::of_attempt(task, 1), ProvenanceId::of_attempt(task, 2));
        // Computed with another implementation of UUIDv5 from the namespace and "<task id>/1".
        assert_eq!(ProvenanceId::of_attempt(task, 1).to_string(), "e703dead-39c0-5123-84fe-6af5b55483f4");
    }

    #[test]
    fn derived_event_ids_repeat_for_a_redelivery_and_differ_by_kind() {
        let cause = EventId::generate();
        assert_eq!(EventId::derived(cause, "task.ready"), EventId::derived(cause, "task.ready"));
        assert_ne!(EventId::derived(cause, "task.ready"), EventId::derived(cause, "task.decomposed"));
    }

    #[test]
    fn content_ids_do_not_confuse_where_one_part_ends() {
        assert_ne!(EventId::of_content(&[b"ab", b"c"]), EventId::of_content(&[b"a", b"bc"]));
    }

    #[test]
    fn project_ids_refuse_what_the_contract_refuses() {
        assert!(ProjectId::new("team-a.web:2_x").is_ok());
        assert_eq!(ProjectId::new(""), Err(InvalidText::Empty));
        assert!(matches!(ProjectId::new("a b"), Err(InvalidText::Character { found: ' ', .. })));
        assert!(matches!(ProjectId::new("x".repeat(256)), Err(InvalidText::TooLong { actual: 256, .. })));
    }
}
