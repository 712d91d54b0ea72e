//! The words of the contract. Closed vocabularies are plain enums; open ones keep an unknown word as text,
//! so that a newer peer's value is carried along and routed by the fallback instead of being lost.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A word that is not in a closed vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The words that would have been accepted.
    pub known: &'static [&'static str],
}

macro_rules! closed_vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word, in the order of the contract.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { known: Self::WORDS }),
                }
            }
        }
    };
}

macro_rules! open_vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
            /// A word this version does not know, kept as it came.
            Other(String),
        }

        impl $name {
            /// Every word this version knows.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }

            /// Whether this version knows the word.
            #[must_use]
            pub const fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word { $($word => Self::$variant,)+ other => Self::Other(other.to_owned()) }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$($word),+] })
            }
        }
    };
}

closed_vocabulary!(
    /// Coarse state of a task: stable, and all that most clients look at.
    TaskStatus {
        /// Accepted, not yet with a worker.
        Pending = "pending",
        /// Handed over, being worked on or judged.
        Running = "running",
        /// Its output was accepted. Terminal.
        Completed = "completed",
        /// Out of attempts, or failed in a way that no further attempt mends. Terminal.
        Failed = "failed",
        /// Ended on request. Terminal.
        Cancelled = "cancelled",
    }
);
closed_vocabulary!(
    /// Where inside its status a task is (design section 5).
    Phase {
        /// Stored; waits for a slot of its project, for `not_before`, or for the end of a backoff.
        Submitted = "submitted",
        /// Waits for the tasks it depends on, or for a tainted input to be cleared.
        Blocked = "blocked",
        /// The routing-engine decides.
        Routing = "routing",
        /// In a worker or agent queue.
        Ready = "ready",
        /// A worker or agent said that it started.
        Executing = "executing",
        /// Output is there, QA decides.
        Validating = "validating",
        /// A person decides.
        InReview = "in_review",
        /// Waits for its subtasks.
        Decomposed = "decomposed",
        /// Terminal.
        Done = "done",
    }
);
closed_vocabulary!(
    /// How urgent a task is; a higher one is admitted first.
    Priority {
        /// When nothing else waits.
        Low = "low",
        /// The default.
        Normal = "normal",
        /// Before normal work.
        High = "high",
        /// Before everything else.
        Critical = "critical",
    }
);
closed_vocabulary!(
    /// Whether people take part while the work is done.
    ExecutionMode {
        /// No questions asked.
        Autonomous = "autonomous",
        /// People may be asked.
        Collaborative = "collaborative",
    }
);
closed_vocabulary!(
    /// How an artifact was used.
    Relationship {
        /// Its content went into the output.
        Consumed = "consumed",
        /// It was looked at.
        Referenced = "referenced",
    }
);
closed_vocabulary!(
    /// What a reviewer decided.
    ReviewDecision {
        /// The output is good.
        Approved = "approved",
        /// The output is bad.
        Rejected = "rejected",
        /// The output is to be done again with the reviewer's comments.
        ChangesRequested = "changes_requested",
    }
);
closed_vocabulary!(
    /// Which kind of work an agent takes.
    AgentType {
        /// The orchestrating side itself.
        Orchestrator = "orchestrator",
        /// Infrastructure: playbooks, containers, deployments.
        Infra = "infra",
        /// Desktop machines and their resources.
        Desktop = "desktop",
        /// Code generation and review.
        Code = "code",
        /// Research.
        Research = "research",
    }
);
closed_vocabulary!(
    /// What an agent says of itself.
    AgentStatus {
        /// Ready for work.
        Online = "online",
        /// Gone.
        Offline = "offline",
        /// At work.
        Busy = "busy",
    }
);
closed_vocabulary!(
    /// How bad a taint is.
    Severity {
        /// Cosmetic.
        Low = "low",
        /// The default.
        Medium = "medium",
        /// Serious.
        High = "high",
        /// Stop everything that builds on it.
        Critical = "critical",
    }
);
closed_vocabulary!(
    /// State of a provenance record's verification.
    VerificationStatus {
        /// No verdict yet.
        Pending = "pending",
        /// QA accepted it.
        Passed = "passed",
        /// QA rejected it.
        Failed = "failed",
        /// A person accepted it.
        HumanApproved = "human_approved",
        /// Found wrong afterwards.
        Tainted = "tainted",
        /// Built on something found wrong.
        Suspect = "suspect",
    }
);

open_vocabulary!(
    /// What kind of knowledge a task needs.
    Domain {
        /// Any programming not named below; also the fallback.
        CodeGeneral = "code-general",
        /// Computer vision.
        CodeVision = "code-vision",
        /// Firmware and devices.
        CodeEmbedded = "code-embedded",
        /// Phones and tablets.
        CodeMobile = "code-mobile",
        /// Text for people.
        Documentation = "documentation",
        /// User interfaces.
        UiDesign = "ui-design",
        /// Structure of systems.
        Architecture = "architecture",
        /// Finding things out.
        Analysis = "analysis",
    }
);
open_vocabulary!(
    /// What a task does to the project it works on.
    WorkMode {
        /// Something new.
        NewProject = "new_project",
        /// A change to what exists.
        Modify = "modify",
        /// A repair.
        FixBug = "fix_bug",
        /// Better structure, same behaviour.
        Refactor = "refactor",
        /// Text.
        Documentation = "documentation",
        /// Tests.
        Testing = "testing",
        /// Nobody could tell.
        Unknown = "unknown",
    }
);
open_vocabulary!(
    /// How an output is judged.
    QaProfile {
        /// Several validators agree.
        Consensus = "consensus",
        /// A validator tries to break it.
        Adversarial = "adversarial",
        /// Security review.
        Security = "security",
        /// Tests are run.
        Testing = "testing",
        /// Read as text.
        Documentation = "documentation",
        /// A person decides.
        Human = "human",
        /// Every validator must accept.
        Strict = "strict",
        /// Nobody: the output itself is the verdict.
        None = "none",
    }
);
open_vocabulary!(
    /// Model tier, by rising ability and cost. Settings may add tiers, which are [`Tier::Other`] here.
    Tier {
        /// Smallest models.
        Tiny = "tiny",
        /// Small models.
        Small = "small",
        /// Large local models.
        Large = "large",
        /// The best there is.
        Frontier = "frontier",
    }
);

impl TaskStatus {
    /// Whether nothing but a rollback or an explicit retry changes the task any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl Priority {
    /// Sort key, 1 (low) to 4 (critical).
    #[must_use]
    pub const fn rank(self) -> i16 {
        match self {
            Self::Low => 1,
            Self::Normal => 2,
            Self::High => 3,
            Self::Critical => 4,
        }
    }

    /// The priority with that rank; ranks outside 1..=4 are taken for the nearest.
    #[must_use]
    pub const fn from_rank(rank: i16) -> Self {
        match rank {
            ..=1 => Self::Low,
            2 => Self::Normal,
            3 => Self::High,
            _ => Self::Critical,
        }
    }

    /// As the agent wire protocol counts, where 5 is most urgent (contract 1.6).
    #[must_use]
    pub const fn to_agent_priority(self) -> u8 {
        match self {
            Self::Low => 2,
            Self::Normal => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }

    /// From the agent wire protocol's 1..=5; `None` outside of it.
    #[must_use]
    pub const fn from_agent_priority(priority: u8) -> Option<Self> {
        match priority {
            1 | 2 => Some(Self::Low),
            3 => Some(Self::Normal),
            4 => Some(Self::High),
            5 => Some(Self::Critical),
            _ => None,
        }
    }
}

impl Tier {
    /// The four tiers that exist without any setting, by rising ability.
    pub const STANDARD: [Self; 4] = [Self::Tiny, Self::Small, Self::Large, Self::Frontier];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_of_an_open_vocabulary_survives_a_round_trip() {
        let domain: Domain = serde_json::from_str("\"quantum\"").unwrap();
        assert_eq!(domain, Domain::Other("quantum".to_owned()));
        assert_eq!(serde_json::to_string(&domain).unwrap(), "\"quantum\"");
        assert!(!domain.is_known());
    }

    #[test]
    fn a_closed_vocabulary_names_what_it_would_have_taken() {
        let error = "urgent".parse::<Priority>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of low, normal, high, critical");
    }

    #[test]
    fn agent_priorities_map_as_the_contract_says() {
        let there: Vec<_> = (0..=6).map(Priority::from_agent_priority).collect();
        use Priority::{Critical, High, Low, Normal};
        assert_eq!(there, [None, Some(Low), Some(Low), Some(Normal), Some(High), Some(Critical), None]);
        for &priority in Priority::ALL {
            assert_eq!(Priority::from_agent_priority(priority.to_agent_priority()), Some(priority));
            assert_eq!(Priority::from_rank(priority.rank()), priority);
        }
    }
}
