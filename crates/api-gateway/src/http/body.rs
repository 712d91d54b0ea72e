//! Request bodies: how a body is received and taken for JSON, and which type an endpoint reads from it.
//! Rule: whatever a client sends, the answer is a value or a 4xx that names what is wrong; never a panic, never 500.

mod fields;
mod json;
mod node;
mod receive;

pub(crate) use fields::Fields;
pub(crate) use node::{Node, parse_time, parse_uuid};
pub(crate) use receive::{BodyLimit, collect};

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use protocol::events::JsonObject;

use super::findings::Findings;
use super::problem::ApiError;
use super::words::ConfiguredWords;

/// A body that an endpoint takes: reads its fields one by one and leaves the findings to [`Fields`].
pub(crate) trait ReadBody: Sized {
    /// `None` when a required field is missing or wrong; what is wrong has then been noted.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Extractor of a body that must be there.
#[derive(Debug)]
pub(crate) struct RequestBody<T>(pub(crate) T);

/// Extractor of a body that may be left out, or be `null`.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

/// Reads a body's text as `T`.
///
/// # Errors
/// 1003 if it is not JSON, 1002 with every bad field otherwise.
pub(crate) fn read_body<T: ReadBody>(body: &[u8], words: &ConfiguredWords) -> Result<T, ApiError> {
    read_members(json::parse_object(body)?, words)
}

/// Reads an object as `T`, with findings of its own.
fn read_members<T: ReadBody>(members: JsonObject, words: &ConfiguredWords) -> Result<T, ApiError> {
    let mut findings = Findings::default();
    let mut fields = Fields::new("", members, &mut findings, words);
    let read = T::read(&mut fields);
    fields.refuse_unknown();
    findings.conclude(read)
}

fn words_of(request: &HttpRequest) -> ConfiguredWords {
    request.app_data::<ConfiguredWords>().cloned().unwrap_or_default()
}

impl<T: ReadBody + 'static> FromRequest for RequestBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            receive::check_headers(&request)?;
            let body = receive::collect(&request, payload).await?;
            read_body(&body, &words_of(&request)).map(Self)
        })
    }
}

impl<T: ReadBody + 'static> FromRequest for OptionalBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = receive::collect(&request, payload).await?;
            if body.trim_ascii().is_empty() || body.trim_ascii() == b"null" {
                return Ok(Self(None));
            }
            receive::check_headers(&request)?;
            read_body(&body, &words_of(&request)).map(|value| Self(Some(value)))
        })
    }
}

#[cfg(test)]
mod tests;
