//! The contract's vocabularies as schemas with their words listed, for the types in `protocol` that know nothing
//! of API documents. None of these has a value: they only name a schema.

use std::borrow::Cow;

use protocol::vocabulary as words;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! word_schemas {
    ($($(#[$doc:meta])* $name:ident as $shown:literal = $words:expr;)+) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .enum_values(Some($words.iter().copied()))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($shown)
            }
        }
    )+};
}

word_schemas! {
    /// Coarse state of a task.
    TaskStatusWord as "TaskStatus" = words::TaskStatus::WORDS;
    /// Where inside its status a task is.
    PhaseWord as "Phase" = words::Phase::WORDS;
    /// How urgent a task is.
    PriorityWord as "Priority" = words::Priority::WORDS;
    /// Whether people take part.
    ExecutionModeWord as "ExecutionMode" = words::ExecutionMode::WORDS;
    /// Which work an agent takes.
    AgentTypeWord as "AgentType" = words::AgentType::WORDS;
    /// How an agent is.
    AgentStatusWord as "AgentStatus" = words::AgentStatus::WORDS;
    /// How an artifact is used.
    RelationshipWord as "Relationship" = words::Relationship::WORDS;
    /// What a submitter may ask of QA.
    QaProfileWord as "QaProfile" = words::QaProfile::WORDS;
    /// Model tiers that a submitter may pin.
    TierWord as "Tier" = words::Tier::WORDS;
    /// Domains that a submitter may pin.
    DomainWord as "Domain" = words::Domain::WORDS;
    /// Whether a review was answered, and how.
    ReviewStatusWord as "ReviewStatus" = crate::reviews::ReviewStatus::WORDS;
    /// How a worker is.
    WorkerStatusWord as "WorkerStatus" = crate::workers::WorkerStatus::WORDS;
    /// How bad something is.
    SeverityWord as "Severity" = words::Severity::WORDS;
    /// State of a record's verification.
    VerificationStatusWord as "VerificationStatus" = words::VerificationStatus::WORDS;
}
