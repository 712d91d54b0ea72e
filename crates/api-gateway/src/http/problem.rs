//! The one error that leaves the REST edge: problem+json (RFC 9457) with the members that both families of
//! existing clients read (contract 1.1). Public text never holds SQL, hosts or causes; those are only logged.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use protocol::{ErrorCode, TraceId};
use serde::Serialize;
use service_runtime::database::StoreError;
use utoipa::ToSchema;

/// Content type of every error answer.
pub(crate) const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// Seconds after which a client may try again what failed because something we need is away.
const RETRY_AFTER_SECONDS: u32 = 2;

/// One bad field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where, as a dotted path.
    #[schema(example = "options.tier")]
    pub(crate) field: String,
    /// What is wrong with it.
    #[schema(example = "must be one of tiny, small, large, frontier")]
    pub(crate) message: String,
}

/// Why a request has no ordinary answer.
pub(crate) struct ApiError(Box<Parts>);

struct Parts {
    code: ErrorCode,
    /// Where an endpoint's contract says another than the code's.
    status: Option<StatusCode>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    details: Option<serde_json::Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Parts {
    fn status(&self) -> StatusCode {
        let usual = || StatusCode::from_u16(self.code.http_status()).ok();
        self.status.or_else(usual).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl ApiError {
    /// An error of that code; `detail` is for people and goes to the client.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            code,
            status: None,
            detail: detail.into(),
            errors: Vec::new(),
            details: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// Input that breaks rules: every bad field is named.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            several => format!("{} fields are invalid", several.len()),
        };
        let mut error = Self::new(ErrorCode::ValidationFailed, detail);
        error.0.errors = errors;
        error
    }

    /// A path segment that is not the identifier it should be.
    pub(crate) fn invalid_identifier(name: &str, rule: impl fmt::Display) -> Self {
        let mut error = Self::new(ErrorCode::InvalidIdentifier, format!("{name}: {rule}"));
        error.0.errors = vec![FieldError { field: name.to_owned(), message: rule.to_string() }];
        error
    }

    /// Something we need is away; the client is told when to try again.
    pub(crate) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))
    }

    /// A bug of ours; the client learns only that, the log learns the cause.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal, "the request could not be served because of an internal error")
            .caused_by(cause)
    }

    /// The path exists, the method does not. `allow` is the value of the `Allow` header.
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let error = Self::new(ErrorCode::MethodNotAllowed, format!("allowed here: {allow}"));
        match HeaderValue::from_str(allow) {
            Ok(value) => error.with_header(header::ALLOW, value),
            Err(_) => error,
        }
    }

    /// The same error with the fields that it is about.
    #[must_use]
    pub(crate) fn with_fields(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The same error with another HTTP status than its code usually has.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The same error with `error.details`.
    #[must_use]
    pub(crate) fn with_details(mut self, details: serde_json::Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The same error with what led to it, for the log only.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// What kind of error.
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// This occurrence in words.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The bad fields, by name.
    #[cfg(test)]
    pub(crate) fn fields(&self) -> Vec<String> {
        self.0.errors.iter().map(|error| error.field.clone()).collect()
    }

    /// The error as part of an answer that is about several inputs.
    pub(crate) fn as_item(&self) -> ItemError {
        ItemError {
            error_code: self.0.code.number(),
            error_message: self.0.detail.clone().into_owned(),
            errors: self.0.errors.clone(),
        }
    }

    /// The same error with a header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The error that stands for an answer the framework made on its own, of which only the status is known.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NoSuchRoute,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::UNAUTHORIZED => ErrorCode::Unauthenticated,
            StatusCode::FORBIDDEN => ErrorCode::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
            status if status.is_client_error() => ErrorCode::ValidationFailed,
            _ => ErrorCode::Internal,
        };
        Self::new(code, code.title())
    }

    /// The whole answer, as part of `trace_id`.
    pub(crate) fn to_response(&self, trace_id: TraceId) -> HttpResponse {
        let parts = &self.0;
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &parts.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.content_type(PROBLEM_CONTENT_TYPE).json(Problem::new(parts, trace_id))
    }

    /// Logs what the client is not told: once, where the answer is made.
    pub(crate) fn log(&self) {
        let Some(cause) = &self.0.cause else { return };
        let chain = chain_of(cause.as_ref());
        match self.0.code {
            ErrorCode::Internal => {
                tracing::error!(error = chain, error.code = self.0.code.name(), "request failed");
            }
            _ => tracing::warn!(error = chain, error.code = self.0.code.name(), "request not served"),
        }
    }
}

/// An error and everything below it, on one line.
fn chain_of(error: &(dyn Error + 'static)) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain = format!("{chain}: {error}");
        cause = error.source();
    }
    chain
}

impl fmt::Debug for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiError")
            .field("code", &self.0.code)
            .field("detail", &self.0.detail)
            .field("errors", &self.0.errors)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.code.name(), self.0.detail)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    /// Only the status: the body names the trace, which the outermost middleware knows and fills in.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::unavailable("the database does not answer").caused_by(error),
            StoreError::Conflict(_) => Self::unavailable("another request was first").caused_by(error),
            StoreError::NotFound | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

/// Body of every error answer (RFC 9457, with the members that existing clients read).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Names the kind of error for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:dats:error:VALIDATION_FAILED")]
    problem_type: String,
    /// The kind of error in words; the same for every occurrence.
    #[schema(example = "Invalid input")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// This occurrence in words.
    #[schema(example = "priority: must be one of low, normal, high, critical")]
    detail: String,
    /// Number of the kind of error.
    #[schema(example = 1002)]
    error_code: u16,
    /// Same as `detail`.
    #[schema(example = "priority: must be one of low, normal, high, critical")]
    error_message: String,
    /// The trace to quote in a bug report.
    #[schema(value_type = String, format = Uuid)]
    trace_id: TraceId,
    /// The same once more, as newer clients read it.
    error: ProblemError,
    /// Every bad field, for invalid input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// `error` of a problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemError {
    /// Name of the kind of error.
    #[schema(example = "VALIDATION_FAILED")]
    code: &'static str,
    /// Same as `detail`.
    #[schema(example = "priority: must be one of low, normal, high, critical")]
    message: String,
    /// More, in a shape of the kind's own.
    #[schema(value_type = Option<Object>)]
    details: Option<serde_json::Value>,
}

/// Why one of several inputs was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemError {
    /// Number of the kind of error.
    #[schema(example = 1002)]
    error_code: u16,
    /// This occurrence in words.
    #[schema(example = "priority: must be one of low, normal, high, critical")]
    error_message: String,
    /// Every bad field of this input, for invalid input.
    errors: Vec<FieldError>,
}

impl Problem {
    fn new(parts: &Parts, trace_id: TraceId) -> Self {
        let detail = parts.detail.clone().into_owned();
        Self {
            problem_type: format!("urn:dats:error:{}", parts.code.name()),
            title: parts.code.title(),
            status: parts.status().as_u16(),
            error_code: parts.code.number(),
            error_message: detail.clone(),
            trace_id,
            error: ProblemError {
                code: parts.code.name(),
                message: detail.clone(),
                details: parts.details.clone(),
            },
            detail,
            errors: parts.errors.clone(),
        }
    }
}
