//! Keeps a key within its projects. What belongs to another project is answered as if it did not exist.

use actix_web::dev::ServiceRequest;
use actix_web::web;
use percent_encoding::percent_decode_str;
use protocol::{ErrorCode, ProjectId, TaskId};

use super::rules::{Bounds, Named, Rule};
use crate::access::Caller;
use crate::http::AppState;
use crate::http::body::parse_uuid;
use crate::http::problem::ApiError;
use crate::http::projects::no_such_project;
use crate::http::reviews::no_such_review;
use crate::http::tasks::no_such_task;
use crate::reviews::{self, ReviewId};
use crate::tasks::queries;

/// Lets the request through if what it is about is the caller's to see. What has not the form of an id is left to
/// the handler to refuse.
pub(super) async fn check(
    state: &AppState,
    caller: &Caller,
    rule: &Rule,
    request: &ServiceRequest,
) -> Result<(), ApiError> {
    if caller.projects().is_none() {
        return Ok(());
    }
    match rule.bounds {
        Bounds::Handler | Bounds::Shared => Ok(()),
        Bounds::Query => check_query(caller, request.query_string()),
        Bounds::Path(named) => {
            let id = named_in(rule.pattern, request.path());
            check_named(state, caller, named, rule.pattern, &id).await
        }
    }
}

fn check_query(caller: &Caller, query: &str) -> Result<(), ApiError> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map(web::Query::into_inner);
    let asked: Vec<ProjectId> = pairs
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name == "project_id")
        .filter_map(|(_, id)| id.parse().ok())
        .collect();
    if !asked.is_empty() && asked.iter().all(|project| caller.sees(project)) {
        return Ok(());
    }
    let detail = "this key is bound to projects: project_id has to name one of them";
    Err(ApiError::new(ErrorCode::Forbidden, detail))
}

async fn check_named(
    state: &AppState,
    caller: &Caller,
    named: Named,
    pattern: &str,
    id: &str,
) -> Result<(), ApiError> {
    match named {
        Named::Project => {
            let Ok(project) = id.parse::<ProjectId>() else { return Ok(()) };
            if caller.sees(&project) { Ok(()) } else { Err(no_such_project(&project)) }
        }
        Named::Task => {
            let Some(task_id) = parse_uuid(id).map(TaskId) else { return Ok(()) };
            match queries::find_project_of(&state.tasks, task_id).await? {
                Some(project) if caller.sees(&project) => Ok(()),
                _ => Err(no_such_task(task_id)),
            }
        }
        Named::Review => {
            let Ok(review_id) = id.parse::<ReviewId>() else { return Ok(()) };
            match reviews::queries::find_review(&state.tasks, &review_id).await? {
                Some((_, task)) if caller.sees(&task.submission.project_id) => Ok(()),
                _ => Err(no_such_review(&review_id)),
            }
        }
        Named::Record => match state.provenance.find_record(id.to_owned()).await? {
            Some(record) if record.project_id.as_ref().is_some_and(|id| caller.sees(id)) => Ok(()),
            _ if pattern.ends_with("{id}") => {
                Err(ApiError::new(ErrorCode::ProvenanceNotFound, "there is no record of that id"))
            }
            _ => Err(ApiError::new(
                ErrorCode::ArtifactNotFound,
                "there is no artifact and no record of that id",
            )),
        },
        Named::Other => {
            Err(ApiError::new(ErrorCode::Forbidden, "a key that is bound to projects may not use this"))
        }
    }
}

/// The first parameter of a path, decoded.
fn named_in(pattern: &str, path: &str) -> String {
    let segments = pattern.split('/').zip(path.split('/'));
    let segment = segments.into_iter().find(|(name, _)| name.starts_with('{')).map(|(_, segment)| segment);
    percent_decode_str(segment.unwrap_or_default()).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_parameter_is_found_and_decoded() {
        let pattern = "/api/v1/provenance/{id}/dependents";
        assert_eq!(named_in(pattern, "/api/v1/provenance/a%2Fb/dependents"), "a/b");
        assert_eq!(named_in("/livez", "/livez"), "");
    }
}
