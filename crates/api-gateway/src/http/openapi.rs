//! The API's document: the operations of `routes`, with what all of them have in common.

pub(crate) mod answers;
mod honesty;
mod security;
pub(crate) mod vocabulary;

use serde_json::Value;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, PathItem, RefOr, ServerBuilder};
use utoipa::{Modify, OpenApi};

use super::problem::{FieldError, Problem, ProblemError};
use super::routes::{ALIASES, Operations};
use super::words::ConfiguredWords;

const DESCRIPTION: &str = "Takes tasks in, follows them through routing, work and judgement, and shows the \
    provenance of what they produced.\n\nErrors are `application/problem+json`. `error_code` tells what went \
    wrong; for invalid input `errors` names every bad field. Every answer carries `X-Trace-Id`, which is also \
    the W3C trace id, and `X-Request-Id`, which is echoed when given. Times are RFC 3339 in UTC.\n\nWhere keys \
    are asked for, send yours as `X-API-Key` or `Authorization: Bearer`. Looking needs the scope `read`, changing \
    `write`, and some operations `admin`. A key that is bound to projects sees nothing of others.";

/// What the operations' own descriptions refer to.
#[derive(OpenApi)]
#[openapi(
    components(schemas(Problem, ProblemError, FieldError)),
    modifiers(&TracedAnswers),
    tags(
        (name = "tasks", description = "Work: hand it in, follow it, cancel it, try it again"),
        (name = "dispatch", description = "Work that goes to agents by its type"),
        (name = "agents", description = "Who takes such work"),
        (name = "projects", description = "What tasks are grouped by"),
        (name = "reviews", description = "What people are asked about tasks, and their answers"),
        (name = "webhooks", description = "Being told of status changes"),
        (name = "provenance", description = "Who made what, from what, and whether it can be trusted"),
        (name = "access", description = "API keys, and who did what with them"),
        (name = "operations", description = "For those who run the service"),
    )
)]
struct Frame;

/// The whole document.
pub(crate) fn document(version: &str, words: &ConfiguredWords) -> serde_json::Result<Value> {
    let mut document = Frame::openapi();
    document.merge(Operations::openapi());
    add_aliases(&mut document);
    security::guard_operations(&mut document);
    TracedAnswers.modify(&mut document);
    document.info = InfoBuilder::new()
        .title("DATS Orchestration")
        .version(version)
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    let mut document = serde_json::to_value(document)?;
    honesty::close_request_bodies(&mut document);
    honesty::list_tiers(&mut document, &words.tiers());
    Ok(document)
}

/// Further paths of operations: the same with or without the prefix, under an operation id of their own.
fn add_aliases(document: &mut utoipa::openapi::OpenApi) {
    for alias in ALIASES {
        let Some(mut item) = document.paths.paths.get(&alias.other_path()).cloned() else { continue };
        for operation in operations_of(&mut item) {
            operation.operation_id = operation.operation_id.take().map(|id| format!("{id}_alias"));
        }
        document.paths.paths.insert(alias.path.to_owned(), item);
    }
}

/// The headers that the outermost middleware adds to every answer.
struct TracedAnswers;

impl Modify for TracedAnswers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations_of) {
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    let uuid = SchemaFormat::KnownFormat(KnownFormat::Uuid);
                    response.headers.insert("X-Trace-Id".to_owned(), header("The trace", Some(uuid)));
                    let request_id = header("As given, or made for this request", None);
                    response.headers.insert("X-Request-Id".to_owned(), request_id);
                }
            }
        }
    }
}

fn header(description: &str, format: Option<SchemaFormat>) -> RefOr<Header> {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(format);
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build().into()
}

/// Every operation of a path.
fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}
