//! What the bodies that make and change a project have in common.

use std::borrow::Cow;

use protocol::vocabulary::{ExecutionMode, QaProfile};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::http::body::{Fields, Node};
use crate::http::openapi::vocabulary::{ExecutionModeWord, QaProfileWord};
use crate::projects::project::{Change, ConfigChange, ProjectConfig};

/// Most characters of a name.
pub(super) const MOST_NAME_CHARS: usize = 100;
/// Most characters of a description.
pub(super) const MOST_DESCRIPTION_CHARS: usize = 10_000;
/// Most characters of a repository's address.
pub(super) const MOST_URL_CHARS: usize = 2048;
/// Most slots of a project.
const MOST_CONCURRENT: u32 = 100_000;

/// What the project's tasks begin with. Numbers and flags may also be given as text.
#[derive(Debug, Default, PartialEq, ToSchema)]
pub(crate) struct ProjectConfigRequest {
    /// How output is judged when a task does not say.
    #[schema(value_type = Option<QaProfileWord>)]
    qa_profile: Option<QaProfile>,
    /// Whether people take part when a task does not say.
    #[schema(value_type = Option<ExecutionModeWord>)]
    default_mode: Option<ExecutionMode>,
    /// Tasks that may run at the same time; the service's setting when absent.
    #[schema(value_type = Option<SlotsOrText>)]
    max_concurrent: Option<u32>,
    /// Whether repeated rejections may move a task to a higher tier when it does not say.
    #[schema(value_type = Option<FlagOrText>)]
    escalate_tier: Option<bool>,
}

/// A number of slots as the document shows it: a whole number, or the same as text.
enum SlotsOrText {}

impl PartialSchema for SlotsOrText {
    fn schema() -> RefOr<Schema> {
        let number =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST_CONCURRENT));
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[1-9][0-9]{0,4}$"));
        OneOfBuilder::new().item(number).item(text).into()
    }
}

impl ToSchema for SlotsOrText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SlotsOrText")
    }
}

/// A flag as the document shows it: `true` or `false`, or the same as text.
enum FlagOrText {}

impl PartialSchema for FlagOrText {
    fn schema() -> RefOr<Schema> {
        let flag = ObjectBuilder::new().schema_type(Type::Boolean);
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(true|false)$"));
        OneOfBuilder::new().item(flag).item(text).into()
    }
}

impl ToSchema for FlagOrText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FlagOrText")
    }
}

/// Reads `config`.
pub(super) fn read_config(fields: &mut Fields<'_>) -> Option<ProjectConfigRequest> {
    fields.optional("config", |node: Node<'_>| {
        node.object(|fields| {
            Some(ProjectConfigRequest {
                qa_profile: fields.optional("qa_profile", |node| node.word(QaProfile::WORDS)),
                default_mode: fields.optional("default_mode", |node| node.parsed()),
                max_concurrent: fields
                    .optional("max_concurrent", |node| node.unquoted().integer(1..=MOST_CONCURRENT)),
                escalate_tier: fields.optional("escalate_tier", |node| node.unquoted().flag()),
            })
        })
    })
}

/// Reads `config` where it is to be changed: a `null` in it unsets a value, `null` in its place all of them.
pub(super) fn read_config_change(fields: &mut Fields<'_>) -> ConfigChange {
    let read = |node: Node<'_>| {
        node.object(|fields| {
            Some(ConfigChange {
                qa_profile: fields.change("qa_profile", |node| node.word(QaProfile::WORDS)),
                default_mode: fields.change("default_mode", |node| node.parsed()),
                max_concurrent: fields
                    .change("max_concurrent", |node| node.unquoted().integer(1..=MOST_CONCURRENT)),
                escalate_tier: fields.change("escalate_tier", |node| node.unquoted().flag()),
            })
        })
    };
    match fields.change("config", read) {
        Change::Keep => ConfigChange::default(),
        Change::Set(change) => change,
        Change::Unset => ConfigChange {
            qa_profile: Change::Unset,
            default_mode: Change::Unset,
            max_concurrent: Change::Unset,
            escalate_tier: Change::Unset,
        },
    }
}

impl From<ProjectConfigRequest> for ProjectConfig {
    fn from(request: ProjectConfigRequest) -> Self {
        Self {
            qa_profile: request.qa_profile,
            default_mode: request.default_mode,
            escalate_tier: request.escalate_tier,
            max_concurrent: request.max_concurrent,
        }
    }
}
