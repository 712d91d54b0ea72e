//! `POST /projects/{project_id}/constitution`: the rules that a project's workers are given.

use std::borrow::Cow;

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use protocol::events::JsonObject;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::refusal;
use super::view::ProjectView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadBody};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::projects::catalogue;
use crate::projects::project::ProjectChange;

/// Largest constitution, in bytes of JSON: every task carries it with it.
const MOST_BYTES: usize = 65_536;

/// Gives a project a constitution
///
/// The body is the constitution: any object. It takes the place of the one before, and is passed on to the workers
/// of tasks that are submitted from now on without a `constitution_override`.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{project_id}/constitution",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = Constitution, examples(
        ("rules" = (summary = "Some rules", value = json!({
            "principles": ["Never touch generated files", "Every change has a test"],
            "language": "Rust"
        }))),
    )),
    responses(
        (status = 200, description = "The project as it is now", body = ProjectView),
        NoSuchProjectOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn set_constitution(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    request: RequestBody<Constitution>,
) -> Result<Json<ProjectView>, ApiError> {
    let change = ProjectChange { constitution: Some(request.0.rules), ..ProjectChange::default() };
    let project = catalogue::change_project(&state.tasks, &project_id.0, change).await.map_err(refusal)?;
    Ok(Json(project.into()))
}

/// Rules for workers, in a shape of your own; at most 65536 bytes of JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Constitution {
    rules: JsonObject,
}

impl PartialSchema for Constitution {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Constitution {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Constitution")
    }
}

impl ReadBody for Constitution {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rules = fields.everything()?;
        if serde_json::to_vec(&rules).is_ok_and(|json| json.len() <= MOST_BYTES) {
            return Some(Self { rules });
        }
        fields.refuse("body", format!("must have at most {MOST_BYTES} bytes of JSON"));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;

    fn read(body: &str) -> Result<Constitution, Vec<String>> {
        read_body(body.as_bytes(), &ConfiguredWords::default()).map_err(|error| error.fields())
    }

    #[test]
    fn any_object_is_taken_as_it_is() {
        let taken = read(r#"{"rules":[1,{"a":null}],"x":""}"#).unwrap();
        assert_eq!(serde_json::Value::from(taken.rules).to_string(), r#"{"rules":[1,{"a":null}],"x":""}"#);
    }

    #[test]
    fn what_is_too_long_or_no_object_is_refused() {
        let long = serde_json::json!({ "a": "x".repeat(MOST_BYTES) }).to_string();
        for body in [long.as_str(), "[]", "null"] {
            assert_eq!(read(body).unwrap_err(), ["body"]);
        }
        assert_eq!(read(r#"{"a":["\u0000"]}"#).unwrap_err(), ["a[0]"]);
    }
}
