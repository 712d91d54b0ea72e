//! Every route of the API on one screen. The API's document is made from the same table; a path's other methods
//! are answered with 405 and what is allowed.

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::fn_guard;
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};
use protocol::ErrorCode;
use utoipa::OpenApi;

use super::problem::ApiError;
use super::{
    API_PREFIX, agents, audit, checkpoints, dead_letters, dispatch, guard, keys, live, operations, pauses,
    projects, provenance, reviews, tasks, webhooks,
};

/// One method of one path, and who answers it.
pub(crate) struct RouteEntry {
    /// Upper case.
    pub(crate) method: Method,
    /// With the names of its parameters in braces, as in the API's document.
    pub(crate) path: &'static str,
    route: fn() -> Route,
}

impl RouteEntry {
    /// The path with the prefix, if this one has none; else without it.
    pub(crate) fn other_path(&self) -> String {
        self.path
            .strip_prefix(API_PREFIX)
            .map_or_else(|| format!("{API_PREFIX}{}", self.path), ToOwned::to_owned)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal => $($segment:ident)::+;)+) => {
        /// The routes that the API's document shows.
        pub(crate) const ROUTES: &[RouteEntry] = &[$(entry!($method $path => $($segment)::+)),+];

        /// The operations behind [`ROUTES`].
        #[derive(OpenApi)]
        #[openapi(paths($($($segment)::+),+))]
        pub(crate) struct Operations;
    };
}

macro_rules! aliases {
    ($($method:ident $path:literal => $($segment:ident)::+;)+) => {
        /// The same operations under further paths.
        pub(crate) const ALIASES: &[RouteEntry] = &[$(entry!($method $path => $($segment)::+)),+];
    };
}

macro_rules! entry {
    ($method:ident $path:literal => $($segment:ident)::+) => {
        RouteEntry { method: Method::$method, path: $path, route: || web::to($($segment)::+) }
    };
}

routes! {
    POST "/api/v1/tasks" => tasks::submit::submit_task;
    POST "/api/v1/tasks/batch" => tasks::batch::submit_batch;
    GET  "/api/v1/tasks" => tasks::list::list_tasks;
    GET  "/api/v1/tasks/{task_id}" => tasks::get::get_task;
    GET  "/api/v1/tasks/{task_id}/status" => tasks::status::get_task_status;
    GET  "/api/v1/tasks/{task_id}/tree" => tasks::tree::get_task_tree;
    GET  "/api/v1/tasks/{task_id}/history" => tasks::history::get_task_history;
    GET  "/api/v1/tasks/{task_id}/stream" => live::stream::stream_task;
    POST "/api/v1/tasks/{task_id}/cancel" => tasks::cancel::cancel_task;
    POST "/api/v1/tasks/{task_id}/retry" => tasks::retry::retry_task;
    POST "/api/v1/tasks/{task_id}/release" => tasks::release::release_task;
    POST "/api/v1/dispatch" => dispatch::create::dispatch_work;
    GET  "/api/v1/status/{task_id}" => dispatch::status::get_work_status;
    POST "/api/v1/cancel/{task_id}" => dispatch::cancel::cancel_work;
    GET  "/api/v1/agents" => agents::list::list_agents;
    GET  "/api/v1/agents/{agent_id}" => agents::get::get_agent;
    GET  "/ws/{trace_id}" => live::socket::watch_trace;
    POST "/api/v1/projects" => projects::create::create_project;
    GET  "/api/v1/projects" => projects::list::list_projects;
    GET  "/api/v1/projects/{project_id}" => projects::get::get_project;
    PUT  "/api/v1/projects/{project_id}" => projects::update::update_project;
    DELETE "/api/v1/projects/{project_id}" => projects::delete::delete_project;
    GET  "/api/v1/projects/{project_id}/tasks" => projects::tasks::list_project_tasks;
    POST "/api/v1/projects/{project_id}/constitution" => projects::constitution::set_constitution;
    GET  "/api/v1/projects/{project_id}/status" => projects::status::get_project_status;
    POST "/api/v1/projects/{project_id}/pause" => pauses::project::pause_project;
    POST "/api/v1/projects/{project_id}/resume" => pauses::project::resume_project;
    GET  "/api/v1/tiers" => pauses::list::list_tiers;
    POST "/api/v1/tiers/{tier}/pause" => pauses::tier::pause_tier;
    POST "/api/v1/tiers/{tier}/resume" => pauses::tier::resume_tier;
    GET  "/api/v1/reviews" => reviews::list::list_reviews;
    GET  "/api/v1/reviews/{review_id}" => reviews::get::get_review;
    POST "/api/v1/reviews/{review_id}/approve" => reviews::approve::approve_review;
    POST "/api/v1/reviews/{review_id}/reject" => reviews::reject::reject_review;
    POST "/api/v1/reviews/{review_id}/request-changes" => reviews::request_changes::request_review_changes;
    GET  "/api/v1/provenance/{id}/export" => provenance::export_artifact::export_artifact_provenance;
    POST "/api/v1/provenance/import" => provenance::import::import_provenance;
    GET  "/api/v1/projects/{project_id}/provenance/export" => provenance::export_project::export_project_provenance;
    POST "/api/v1/projects/{project_id}/webhooks" => webhooks::create::create_webhook;
    GET  "/api/v1/projects/{project_id}/webhooks" => webhooks::list::list_webhooks;
    GET  "/api/v1/projects/{project_id}/webhooks/{webhook_id}" => webhooks::get::get_webhook;
    PUT  "/api/v1/projects/{project_id}/webhooks/{webhook_id}" => webhooks::update::update_webhook;
    DELETE "/api/v1/projects/{project_id}/webhooks/{webhook_id}" => webhooks::delete::delete_webhook;
    GET  "/api/v1/projects/{project_id}/provenance/summary" => provenance::summary::summarize_provenance;
    GET  "/api/v1/projects/{project_id}/provenance/verify" => provenance::verify::verify_provenance;
    GET  "/api/v1/unowned/provenance/verify" => provenance::verify::verify_unowned_provenance;
    GET  "/api/v1/provenance" => provenance::list::list_provenance;
    GET  "/api/v1/provenance/{id}" => provenance::get::get_provenance;
    GET  "/api/v1/workers" => operations::workers::list_workers;
    GET  "/api/v1/queues" => operations::queues::list_queues;
    GET  "/api/v1/failures" => operations::failures::list_failures;
    GET  "/api/v1/dead-letters" => dead_letters::list::list_dead_letters;
    POST "/api/v1/dead-letters/redrive" => dead_letters::redrive::redrive_dead_letters;
    POST "/api/v1/dead-letters/purge" => dead_letters::purge::purge_dead_letters;
    GET  "/api/v1/provenance/{id}/dependents" => provenance::dependents::list_dependents;
    GET  "/api/v1/provenance/{id}/dependencies" => provenance::dependencies::list_dependencies;
    GET  "/api/v1/provenance/{id}/impact" => provenance::impact::get_impact;
    GET  "/api/v1/provenance/{id}/root-cause" => provenance::root_cause::get_root_cause;
    GET  "/api/v1/provenance/{id}/lineage" => provenance::lineage::get_lineage;
    POST "/api/v1/keys" => keys::create::create_key;
    GET  "/api/v1/keys" => keys::list::list_keys;
    DELETE "/api/v1/keys/{key_id}" => keys::revoke::revoke_key;
    GET  "/api/v1/audit" => audit::list_audit;
    POST "/api/v1/provenance/{id}/taint" => provenance::taint::taint_provenance;
    POST "/api/v1/provenance/{id}/clear" => provenance::clear::clear_provenance;
    POST "/api/v1/projects/{project_id}/checkpoints" => checkpoints::create::create_checkpoint;
    GET  "/api/v1/projects/{project_id}/checkpoints" => checkpoints::list::list_checkpoints;
    POST "/api/v1/checkpoints/{checkpoint_id}/rollback" => checkpoints::rollback::roll_back;
    GET  "/api/v1/rollbacks/{rollback_id}" => checkpoints::get_rollback::get_rollback;
    GET  "/api/v1/health" => operations::health::get_health;
    GET  "/api/v1/health/detailed" => operations::health::get_detailed_health;
    GET  "/livez" => operations::probes::get_liveness;
    GET  "/readyz" => operations::probes::get_readiness;
    GET  "/metrics" => operations::probes::get_metrics;
    GET  "/openapi.json" => operations::openapi::get_openapi;
    GET  "/docs" => operations::docs::redirect_to_docs;
    GET  "/docs/" => operations::docs::get_docs_page;
    GET  "/docs/{file}" => operations::docs::get_docs_file;
}

aliases! {
    GET "/api/v1/ws/{trace_id}" => live::socket::watch_trace;
    GET "/health" => operations::health::get_health;
    GET "/health/detailed" => operations::health::get_detailed_health;
    GET "/api/v1/openapi.json" => operations::openapi::get_openapi;
    GET "/api/v1/docs" => operations::docs::redirect_to_docs;
    GET "/api/v1/docs/" => operations::docs::get_docs_page;
    GET "/api/v1/docs/{file}" => operations::docs::get_docs_file;
}

/// Paths that are names as well: looking there shows what has that name, by the route with the parameter.
const NAMES_TOO: &[&str] = &["/api/v1/provenance/import"];

/// Adds the routes to an application. Whatever matches none of them is 404.
pub(crate) fn configure(config: &mut ServiceConfig) {
    for path in paths() {
        let entries: Vec<&RouteEntry> =
            ROUTES.iter().chain(ALIASES).filter(|entry| entry.path == path).collect();
        config.service(resource(path, &entries));
    }
    config.default_service(web::to(refuse_path));
}

/// Every path once. The router tries one after another: those without parameters come first, because they are
/// only compared and because some of them look like the parameter of another; the others as in the table, which
/// begins with what is asked most.
fn paths() -> Vec<&'static str> {
    let mut paths: Vec<&str> = Vec::new();
    for entry in ROUTES.iter().chain(ALIASES) {
        if !paths.contains(&entry.path) {
            paths.push(entry.path);
        }
    }
    paths.sort_by_key(|path| path.contains('{'));
    paths
}

/// One path with all its methods, and the guard before them. `GET` implies `HEAD`, and `OPTIONS` tells what is
/// allowed.
fn resource(path: &'static str, entries: &[&RouteEntry]) -> impl HttpServiceFactory + use<> {
    let is_name_too = NAMES_TOO.contains(&path);
    let mut allowed: Vec<String> = entries.iter().map(|entry| entry.method.to_string()).collect();
    if is_name_too {
        allowed.push("GET".to_owned());
    }
    if allowed.iter().any(|method| method == "GET") {
        allowed.push("HEAD".to_owned());
    }
    allowed.push("OPTIONS".to_owned());
    let allowed = allowed.join(", ");

    let mut resource = web::resource(path);
    if is_name_too {
        let is_look = |method: &Method| [Method::GET, Method::HEAD].contains(method);
        resource = resource.guard(fn_guard(move |context| !is_look(&context.head().method)));
    }
    for entry in entries {
        resource = resource.route((entry.route)().method(entry.method.clone()));
        if entry.method == Method::GET {
            resource = resource.route((entry.route)().method(Method::HEAD));
        }
    }
    let told = allowed.clone();
    let tell_options = move || {
        let allow = (header::ALLOW, told.clone());
        async move { HttpResponse::NoContent().insert_header(allow).finish() }
    };
    let refuse_method = move || {
        let error = ApiError::method_not_allowed(&allowed);
        async move { Err::<HttpResponse, _>(error) }
    };
    resource
        .route(web::route().method(Method::OPTIONS).to(tell_options))
        .default_service(web::to(refuse_method))
        .wrap(from_fn(move |request, next| guard::admit(path, request, next)))
}

/// The route of that method and path, as it stands in the tables.
pub(crate) fn find_route(method: &Method, pattern: &str) -> Option<&'static str> {
    ROUTES
        .iter()
        .chain(ALIASES)
        .find(|entry| entry.path == pattern && entry.method == *method)
        .map(|entry| entry.path)
}

async fn refuse_path() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(ErrorCode::NoSuchRoute, "there is nothing at this path"))
}
