//! Error codes of the outside interfaces (contract 1.1): number, name and HTTP status in one table.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $http:literal, $title:literal;)+) => {
        /// What went wrong, in a form that programs can act on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant),+
        }

        impl ErrorCode {
            /// Every code, by rising number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// `error_code` of the problem body.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number),+ }
            }

            /// `error.code` of the problem body.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The HTTP status that goes with it, unless an endpoint's contract says otherwise.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http),+ }
            }

            /// `title` of the problem body: the same for every occurrence of the code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

error_codes! {
    /// The work type is not in the table of known ones.
    InvalidWorkType = 1001, "INVALID_WORK_TYPE", 400, "Unknown work type";
    /// One or more fields are missing, unknown, of the wrong type or out of range.
    ValidationFailed = 1002, "VALIDATION_FAILED", 400, "Invalid input";
    /// The body is not JSON.
    MalformedJson = 1003, "MALFORMED_JSON", 400, "Malformed JSON";
    /// The body is larger than allowed.
    PayloadTooLarge = 1004, "PAYLOAD_TOO_LARGE", 413, "Body too large";
    /// The body's content type is not the endpoint's.
    UnsupportedMediaType = 1005, "UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported content type";
    /// An identifier in the path has not the form of one.
    InvalidIdentifier = 1006, "INVALID_IDENTIFIER", 400, "Invalid identifier";
    /// There is no such task.
    TaskNotFound = 2001, "TASK_NOT_FOUND", 404, "Task not found";
    /// The task's state does not allow it.
    InvalidTaskState = 2002, "INVALID_TASK_STATE", 409, "Not possible in the task's state";
    /// A task of that id exists with other content.
    TaskAlreadyExists = 2003, "TASK_ALREADY_EXISTS", 409, "Task already exists";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = 2004, "IDEMPOTENCY_KEY_REUSED", 422, "Idempotency key reused";
    /// The first request with the idempotency key is still running.
    RequestInProgress = 2005, "REQUEST_IN_PROGRESS", 409, "Request in progress";
    /// The review was answered already.
    ReviewNotPending = 2006, "REVIEW_NOT_PENDING", 400, "Review is not pending";
    /// There is no such review.
    ReviewNotFound = 2007, "REVIEW_NOT_FOUND", 404, "Review not found";
    /// There is no such project.
    ProjectNotFound = 3001, "PROJECT_NOT_FOUND", 404, "Project not found";
    /// A project of that id exists.
    ProjectExists = 3002, "PROJECT_EXISTS", 409, "Project exists";
    /// The project has tasks.
    ProjectNotEmpty = 3003, "PROJECT_NOT_EMPTY", 409, "Project is not empty";
    /// The default project stays.
    CannotDeleteDefault = 3004, "CANNOT_DELETE_DEFAULT", 400, "The default project cannot be deleted";
    /// The project has no such webhook.
    WebhookNotFound = 3005, "WEBHOOK_NOT_FOUND", 404, "Webhook not found";
    /// The project has as many webhooks as it may have.
    TooManyWebhooks = 3006, "TOO_MANY_WEBHOOKS", 409, "Too many webhooks";
    /// No record for that id.
    ProvenanceNotFound = 3101, "PROVENANCE_NOT_FOUND", 404, "Provenance not found";
    /// No such artifact.
    ArtifactNotFound = 3102, "ARTIFACT_NOT_FOUND", 404, "Artifact not found";
    /// No such checkpoint.
    CheckpointNotFound = 3103, "CHECKPOINT_NOT_FOUND", 404, "Checkpoint not found";
    /// The checkpoint was invalidated by an earlier rollback.
    CheckpointInvalid = 3104, "CHECKPOINT_INVALID", 409, "Checkpoint is invalid";
    /// No such rollback.
    RollbackNotFound = 3105, "ROLLBACK_NOT_FOUND", 404, "Rollback not found";
    /// No such agent.
    AgentNotFound = 3201, "AGENT_NOT_FOUND", 404, "Agent not found";
    /// No API key of that id.
    KeyNotFound = 3301, "KEY_NOT_FOUND", 404, "API key not found";
    /// No valid key.
    Unauthenticated = 4010, "UNAUTHENTICATED", 401, "Authentication required";
    /// The key lacks the right.
    Forbidden = 4030, "FORBIDDEN", 403, "Not allowed";
    /// No such path.
    NoSuchRoute = 4040, "NO_SUCH_ROUTE", 404, "No such path";
    /// The path exists, the method does not.
    MethodNotAllowed = 4050, "METHOD_NOT_ALLOWED", 405, "Method not allowed";
    /// Too many requests.
    RateLimited = 4290, "RATE_LIMITED", 429, "Too many requests";
    /// A bug of ours.
    Internal = 5000, "INTERNAL", 500, "Internal error";
    /// Something we need is away; try again.
    Unavailable = 5030, "UNAVAILABLE", 503, "Temporarily unavailable";
    /// The provenance-store did not answer in time.
    ProvenanceTimeout = 5040, "PROVENANCE_TIMEOUT", 504, "Provenance store did not answer in time";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        let numbers: std::collections::BTreeSet<_> =
            ErrorCode::ALL.iter().map(|code| code.number()).collect();
        let names: std::collections::BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!((numbers.len(), names.len()), (ErrorCode::ALL.len(), ErrorCode::ALL.len()));
    }
}
