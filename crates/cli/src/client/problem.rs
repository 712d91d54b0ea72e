//! From the gateway's problems (RFC 9457) to failures.

use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::json::Look;

/// The failure that an answer of that status stands for.
pub(super) fn failure(status: u16, body: &[u8]) -> Failure {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = problem.text("error.code");
    let message = match problem.text("detail") {
        "" => format!("the gateway answered {status}"),
        detail => detail.to_owned(),
    };
    let failure = Failure::new(exit_of(status), with_fields(message, &problem));
    match hint(status, code, problem.text("trace_id")) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

const fn exit_of(status: u16) -> Exit {
    match status {
        400 | 405 | 413 | 415 | 422 => Exit::Usage,
        404 => Exit::NotFound,
        408 | 504 => Exit::Timeout,
        429 | 502 | 503 => Exit::Unavailable,
        _ => Exit::Failed,
    }
}

/// With every bad field on a line of its own, where there are several.
fn with_fields(message: String, problem: &Value) -> String {
    let fields = problem.list("errors");
    if fields.len() < 2 {
        return message;
    }
    let lines = fields.iter().map(|field| format!("\n  {}: {}", field.text("field"), field.text("message")));
    message + &lines.collect::<String>()
}

fn hint(status: u16, code: &str, trace_id: &str) -> Option<String> {
    let hint = match (status, code) {
        (401, _) => "Give a key with DATS_API_KEY, --api-key-file or `dats config set`.",
        (403, _) => "This key may not do that; an administrator can make another: dats keys create.",
        (404, "TASK_NOT_FOUND") => "dats list shows the tasks there are.",
        (404, "PROJECT_NOT_FOUND") => "dats project list shows the projects there are.",
        (404, "REVIEW_NOT_FOUND") => "dats review list shows those that wait for an answer.",
        (400, "REVIEW_NOT_PENDING") => "It was answered already; dats review show REVIEW tells how.",
        (404, "CHECKPOINT_NOT_FOUND") => {
            "dats checkpoint list --project NAME shows the checkpoints there are."
        }
        (404, "PROVENANCE_NOT_FOUND" | "ARTIFACT_NOT_FOUND") => {
            "An id is a provenance id, an artifact id or a task id. Records appear when a task has produced something."
        }
        (404, "NO_SUCH_ROUTE") => "This gateway is older than this command; update it.",
        (409, "INVALID_TASK_STATE") => {
            "dats status TASK shows where the task is, dats history TASK how it came there."
        }
        (409, "CHECKPOINT_INVALID") => "Choose a valid one: dats checkpoint list --project NAME.",
        (429, _) => "Ask more slowly.",
        (503, _) => "Ask again in a moment; GET /health/detailed of the gateway tells what is missing.",
        (504, _) => "The provenance-store is slow or away; ask again in a moment.",
        (500, _) => return Some(format!("This is a bug. Report it with the trace id {trace_id}.")),
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exit(status: u16) -> Exit {
        failure(status, b"{}").exit
    }

    #[test]
    fn every_kind_of_answer_has_its_exit_code() {
        for (status, expected) in [
            (400, Exit::Usage),
            (401, Exit::Failed),
            (403, Exit::Failed),
            (404, Exit::NotFound),
            (409, Exit::Failed),
            (422, Exit::Usage),
            (500, Exit::Failed),
            (503, Exit::Unavailable),
            (504, Exit::Timeout),
        ] {
            assert_eq!(exit(status), expected, "{status}");
        }
    }

    #[test]
    fn a_problem_is_told_with_its_fields_and_the_next_step() {
        let problem = json!({
            "detail": "2 fields are invalid", "error": {"code": "VALIDATION_FAILED"},
            "errors": [{"field": "priority", "message": "no"}, {"field": "mode", "message": "neither"}],
        });
        let failed = failure(400, problem.to_string().as_bytes());
        assert_eq!(failed.message, "2 fields are invalid\n  priority: no\n  mode: neither");
        let unknown = failure(404, br#"{"detail":"no task","error":{"code":"TASK_NOT_FOUND"}}"#);
        assert!(unknown.hint.unwrap().contains("dats list"));
        assert_eq!(failure(502, b"<html>").message, "the gateway answered 502");
    }
}
