//! Error answers that operations have in common. An operation lists those that can happen to it.

use std::collections::BTreeMap;

use protocol::ErrorCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::http::problem::{PROBLEM_CONTENT_TYPE, Problem};

/// An answer of that status with a problem body. `codes` may only hold codes of that status.
pub(crate) fn problem_answer(codes: &[ErrorCode]) -> Response {
    let listed: Vec<_> =
        codes.iter().map(|code| format!("{} ({} {})", code.title(), code.number(), code.name())).collect();
    let schema: RefOr<Schema> = Ref::from_schema_name(Problem::name()).into();
    ResponseBuilder::new()
        .description(listed.join("; "))
        .content(PROBLEM_CONTENT_TYPE, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident = $([$($code:ident),+]),+;)+) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let grouped: &[&[ErrorCode]] = &[$(&[$(ErrorCode::$code),+]),+];
                grouped
                    .iter()
                    .filter_map(|codes| {
                        let status = codes.first()?.http_status().to_string();
                        Some((status, problem_answer(codes).into()))
                    })
                    .collect()
            }
        }
    )+};
}

answers! {
    /// What can be wrong with a body.
    BadBody = [ValidationFailed, MalformedJson], [PayloadTooLarge], [UnsupportedMediaType];
    /// What can be wrong with a task that is handed in.
    BadSubmission = [ValidationFailed, MalformedJson], [ProjectNotFound], [PayloadTooLarge], [UnsupportedMediaType];
    /// What can be wrong with a query.
    BadQuery = [ValidationFailed];
    /// A task id in the path that is not one, or names no task.
    NoSuchTask = [InvalidIdentifier], [TaskNotFound];
    /// The same where there is a query or a body too.
    NoSuchTaskOrBadInput = [InvalidIdentifier, ValidationFailed], [TaskNotFound];
    /// The same where there may be a body.
    NoSuchTaskOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [TaskNotFound],
        [PayloadTooLarge], [UnsupportedMediaType];
    /// A task id that is not one, or a task that has ended already; or no task at all.
    NoSuchTaskOrEnded = [InvalidIdentifier, InvalidTaskState], [TaskNotFound];
    /// What can be wrong with work for agents.
    BadDispatch = [InvalidWorkType, ValidationFailed, MalformedJson], [ProjectNotFound], [TaskAlreadyExists], [PayloadTooLarge],
        [UnsupportedMediaType];
    /// An agent id in the path that is not one, or names no agent; or a parameter that is not known.
    NoSuchAgent = [InvalidIdentifier, ValidationFailed], [AgentNotFound];
    /// No handshake, a trace id that is not one, or a page that may not connect.
    NoSocket = [ValidationFailed, InvalidIdentifier], [Forbidden];
    /// The task's state does not allow it.
    WrongState = [InvalidTaskState];
    /// A project id that is not one, or names no project; or a query that makes no sense.
    NoSuchProjectOrBadInput = [InvalidIdentifier, ValidationFailed], [ProjectNotFound];
    /// The same where there is a body.
    NoSuchProjectOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [ProjectNotFound],
        [PayloadTooLarge], [UnsupportedMediaType];
    /// A project that is not there, or that stays.
    NoSuchProjectOrInUse = [InvalidIdentifier, CannotDeleteDefault], [ProjectNotFound], [ProjectNotEmpty];
    /// What can be wrong with a new project.
    BadProject = [ValidationFailed, MalformedJson], [ProjectExists], [PayloadTooLarge], [UnsupportedMediaType];
    /// A tier that this installation does not have, or a body that is not one.
    NoSuchTierOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [PayloadTooLarge],
        [UnsupportedMediaType];
    /// A review id that is not one, or names no review; or a parameter that is not known.
    NoSuchReview = [InvalidIdentifier, ValidationFailed], [ReviewNotFound];
    /// A review that is not there, or takes no answer any more, or an answer that is not one.
    NoSuchReviewOrBadAnswer = [InvalidIdentifier, ValidationFailed, MalformedJson, ReviewNotPending],
        [ReviewNotFound], [PayloadTooLarge], [UnsupportedMediaType];
    /// A webhook that the project does not have, or no project at all; or a parameter that is not known.
    NoSuchWebhook = [InvalidIdentifier, ValidationFailed], [WebhookNotFound];
    /// The same where there is a body.
    NoSuchWebhookOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [WebhookNotFound],
        [PayloadTooLarge], [UnsupportedMediaType];
    /// What can be wrong with a new webhook.
    BadWebhook = [InvalidIdentifier, ValidationFailed, MalformedJson], [ProjectNotFound], [TooManyWebhooks],
        [PayloadTooLarge], [UnsupportedMediaType];
    /// No record of that id, or no answer about it in time; or a parameter that is not known.
    NoSuchRecord = [InvalidIdentifier, ValidationFailed], [ProvenanceNotFound], [ProvenanceTimeout];
    /// No artifact of that id, or a query that makes no sense.
    NoSuchArtifactOrBadInput = [InvalidIdentifier, ValidationFailed], [ArtifactNotFound], [ProvenanceTimeout];
    /// No answer of the provenance-store in time.
    StoreTooSlow = [ProvenanceTimeout];
    /// An import that is not JSON by lines, or that broke off.
    BadImport = [ValidationFailed, MalformedJson], [UnsupportedMediaType], [ProvenanceTimeout];
    /// No artifact and no record of that id, no answer about it in time, or a query that makes no sense.
    NoSuchArtifactOrBadQuery = [InvalidIdentifier, ValidationFailed], [ArtifactNotFound], [ProvenanceTimeout];
    /// What can be wrong with a query that the provenance-store answers.
    BadProvenanceQuery = [ValidationFailed], [ProvenanceTimeout];
    /// No project of that id, or no answer about its records in time.
    NoSuchProjectRecords = [InvalidIdentifier, ValidationFailed], [ProjectNotFound], [ProvenanceTimeout];
    /// A key id in the path that is not one, or names no key.
    NoSuchKey = [InvalidIdentifier], [KeyNotFound];
    /// Nothing of that id that could be marked, no answer about it in time, or a body that is wrong.
    NoSuchArtifactOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [ArtifactNotFound],
        [PayloadTooLarge], [UnsupportedMediaType], [ProvenanceTimeout];
    /// A project that is not there, a body that is wrong, or no answer in time.
    NoSuchProjectOrBadCheckpoint = [InvalidIdentifier, ValidationFailed, MalformedJson], [ProjectNotFound],
        [PayloadTooLarge], [UnsupportedMediaType], [ProvenanceTimeout];
    /// A project that is not there, or no answer about it in time; or a parameter that is not known.
    NoSuchProjectOrNoAnswer = [InvalidIdentifier, ValidationFailed], [ProjectNotFound], [ProvenanceTimeout];
    /// A checkpoint that is not there or cannot be returned to, or a body that is wrong.
    NoSuchCheckpointOrBadBody = [InvalidIdentifier, ValidationFailed, MalformedJson], [CheckpointNotFound],
        [CheckpointInvalid], [PayloadTooLarge], [UnsupportedMediaType], [ProvenanceTimeout];
    /// A rollback id that is not one, or names no rollback; or a parameter that is not known.
    NoSuchRollback = [InvalidIdentifier, ValidationFailed], [RollbackNotFound];
    /// A path that leads nowhere.
    NoSuchPath = [NoSuchRoute];
    /// What can happen to every operation that looks something up.
    CannotServe = [Internal], [Unavailable];
}
