//! What the guard in front of the operations means for them: which key they ask for, and what may be answered before
//! they hear of a request.

use actix_web::http::Method;
use protocol::ErrorCode;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi, PathItem, RefOr, Required};

use super::answers::problem_answer;
use crate::http::guard::once::{self, IDEMPOTENCY_KEY};
use crate::http::guard::rules::rule_for;
use crate::http::routes::find_route;

const HEADER: &str = "api_key_header";
const BEARER: &str = "bearer_key";

/// Tells for each operation of the document what its rule asks.
pub(super) fn guard_operations(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let description = "Makes sense only where keys are asked for (`auth.enabled`)";
    let header = ApiKeyValue::with_description("X-API-Key", description);
    components.add_security_scheme(HEADER, SecurityScheme::ApiKey(ApiKey::Header(header)));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in methods_of(item) {
            let Some(pattern) = find_route(&method, path) else { continue };
            let rule = rule_for(&method, pattern);
            if let Some(scope) = rule.scope() {
                guard(operation, scope.as_str());
            }
            if once::applies_to(&method, &rule) {
                serve_once(operation);
            }
        }
    }
}

fn methods_of(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn guard(operation: &mut Operation, scope: &str) {
    operation.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new(HEADER, [scope]),
        SecurityRequirement::new(BEARER, [scope]),
    ]);
    for code in
        [ErrorCode::Unauthenticated, ErrorCode::Forbidden, ErrorCode::RateLimited, ErrorCode::Unavailable]
    {
        add_answer(operation, code);
    }
}

/// A POST may be repeated with a key.
fn serve_once(operation: &mut Operation) {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
        .max_length(Some(255));
    let description = "Of the client's choosing: the request is served once for each key, and whoever repeats it \
        within a day gets the first answer again, with `Idempotent-Replayed: true`";
    let parameter = ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
    for code in [ErrorCode::ValidationFailed, ErrorCode::RequestInProgress, ErrorCode::IdempotencyKeyReused] {
        add_answer(operation, code);
    }
}

/// Adds an answer, beside what the operation itself answers with that status.
fn add_answer(operation: &mut Operation, code: ErrorCode) {
    let mut added = problem_answer(&[code]);
    let answers = &mut operation.responses.responses;
    let status = code.http_status().to_string();
    if let Some(RefOr::T(own)) = answers.get(&status) {
        if own.description.contains(&added.description) {
            return;
        }
        added.description = format!("{}; {}", own.description, added.description);
    }
    answers.insert(status, added.into());
}
