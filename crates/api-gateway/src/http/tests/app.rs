//! The application over a database and a broker that are not there, and what a client reads from an answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::Service;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use messaging::{Broker, BrokerSettings, DeadLetters, Listener, Publisher, PublisherSettings, RpcClient};
use protocol::topology::Topology;
use protocol::vocabulary::{AgentType, Priority, Tier};
use serde_json::Value;
use service_runtime::clock::SystemClock;
use service_runtime::database::{self, DatabaseSettings};
use service_runtime::health::{Health, Importance};
use service_runtime::ops::OpsState;
use service_runtime::telemetry::{self, TelemetryGuard, TelemetrySettings};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, AuthSettings};
use crate::agents::AgentRegistry;
use crate::dead_letters::DeadLetterOffice;
use crate::http::webhooks::WebhookRules;
use crate::http::{AppState, Patience, RestApi, SocketRules};
use crate::idempotency::Idempotency;
use crate::live::{Hub, LiveFeed, LiveSettings};
use crate::provenance::ProvenanceClient;
use crate::queues::Queues;
use crate::settings::AgentsSettings;
use crate::tasks::lifecycle::Rules;
use crate::tasks::queries::TaskReader;
use crate::tasks::submission::{CollectorSettings, Submitter};
use crate::tasks::{TaskService, TaskServiceParts};

/// Largest body that the application of the tests takes, in bytes.
pub(super) const MOST_BODY_BYTES: usize = 2048;

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header as text; empty if it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// `error_code` of a problem, after checking that every member is there and agrees with the others.
    pub(super) fn error_code(&self) -> u64 {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["detail"], problem["error_message"]);
        assert_eq!(problem["detail"], problem["error"]["message"]);
        assert!(problem["error"].as_object().unwrap().contains_key("details"));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
        let name = problem["error"]["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:dats:error:{name}"));
        assert_eq!(problem["trace_id"], self.header("x-trace-id"));
        problem["error_code"].as_u64().unwrap()
    }

    /// The fields that a problem names.
    pub(super) fn bad_fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// Sends one request to a fresh application.
pub(super) async fn send(request: TestRequest) -> Answer {
    send_with(AuthSettings::default(), request).await
}

/// Sends one request to a fresh application with these rules about callers.
pub(super) async fn send_with(auth: AuthSettings, request: TestRequest) -> Answer {
    let mut request = Some(request);
    send_all(auth, || request.take().unwrap(), 1).await.remove(0)
}

/// Sends that many requests to one application, one after the other.
pub(super) async fn send_all(
    auth: AuthSettings,
    mut request: impl FnMut() -> TestRequest,
    times: usize,
) -> Vec<Answer> {
    let app = init_service(api(&auth).app()).await;
    let mut answers = Vec::new();
    for _ in 0..times {
        let answer = match app.call(request().to_request()).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        answers.push(read(answer).await);
    }
    answers
}

async fn read(response: actix_web::HttpResponse<BoxBody>) -> Answer {
    let (head, body) = response.into_parts();
    Answer { status: head.status(), headers: head.headers().clone(), body: to_bytes(body).await.unwrap() }
}

/// A request with a JSON body.
pub(super) fn post(path: &str, body: &Value) -> TestRequest {
    TestRequest::post().uri(path).set_json(body)
}

/// A request without a body.
pub(super) fn bare(method: Method, path: &str) -> TestRequest {
    TestRequest::default().method(method).uri(path)
}

fn api(auth: &AuthSettings) -> RestApi {
    let stop = CancellationToken::new();
    let mut database = DatabaseSettings::new("postgres://nobody@127.0.0.1:1/nothing");
    database.connect_timeout_ms = 200;
    let pool = database::connect(&database).unwrap();
    let tasks = TaskService::new(TaskServiceParts {
        pool: pool.clone(),
        announce: Arc::new(|_| ()),
        live: LiveFeed::default(),
        clock: Arc::new(SystemClock),
        rules: Rules::default(),
        max_concurrent_per_project: 10,
    });
    let settings = CollectorSettings { capacity: 16, max_batch: 16, writers: 1 };
    let (submitter, write) = Submitter::new(tasks.clone(), Priority::Normal, settings, stop.clone());
    tokio::spawn(write);
    let broker = BrokerSettings { port: Some(1), ..BrokerSettings::default() };
    let broker = Broker::new(&broker, "test").unwrap();
    let (listener, heard, _) = Listener::start(&broker, crate::live::EXCHANGE, stop.clone());
    let (live, watch) = Hub::new(listener, heard, pool.clone(), &LiveSettings::default(), stop.clone());
    tokio::spawn(watch);
    let queues = Queues::new(&broker, &Tier::STANDARD);
    let (publisher, _) =
        Publisher::start(&broker, Topology::default(), &PublisherSettings::default(), stop.clone());
    let letters = DeadLetters::new(broker.clone(), publisher);
    let (rpc, _) = RpcClient::start(&broker, Topology::default(), stop.clone());
    let health = Health::new();
    health.register("database", Importance::Required, || async { Err("no answer".to_owned()) });
    let agents = AgentsSettings {
        work_types: [("echo", AgentType::Infra), ("run_playbook", AgentType::Infra)]
            .map(|(work_type, agent)| (work_type.to_owned(), Some(agent)))
            .into(),
        online_seconds: 180,
        forget_after_seconds: 86_400,
    };
    let agents = AgentRegistry::new(tasks.clone(), &agents);
    let (reader, read) = TaskReader::new(tasks.clone(), stop.clone());
    tokio::spawn(read);
    let clock = Arc::new(SystemClock);
    let (access, record) = Access::new(pool.clone(), clock, auth, stop.clone());
    tokio::spawn(record);
    let keep = Duration::from_secs(60);
    let idempotency = Idempotency::new(pool.clone(), Arc::new(SystemClock), keep, keep);
    let state = AppState {
        tasks,
        access,
        idempotency,
        agents,
        reader,
        submitter,
        live,
        sockets: SocketRules::from(&LiveSettings::default()),
        dead_letters: DeadLetterOffice::new(queues.clone(), letters, Arc::new(SystemClock)),
        queues,
        worker_silence_seconds: 900,
        provenance: ProvenanceClient::new(rpc, Duration::from_millis(200), Duration::from_millis(200)),
        max_import_line_bytes: 4096,
        webhooks: WebhookRules { allow_private: false, max_per_project: 20 },
        ops: OpsState { health, metrics: telemetry().metrics(), log_level: telemetry().log_level() },
        clock: Arc::new(SystemClock),
        version: "1.2.3",
    };
    RestApi::new(state, MOST_BODY_BYTES, Patience::default()).unwrap()
}

/// Telemetry can be set up once per process, whichever test comes first.
fn telemetry() -> &'static TelemetryGuard {
    static TELEMETRY: OnceLock<TelemetryGuard> = OnceLock::new();
    let settings = TelemetrySettings { log_level: "off".to_owned(), ..TelemetrySettings::default() };
    TELEMETRY.get_or_init(|| telemetry::init("api-gateway", "1.2.3", &settings).unwrap())
}
