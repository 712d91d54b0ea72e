//! Tasks and lanes for tests.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use protocol::events::{TaskCreated, TaskDecomposed, TaskOptions, TaskReady};
use protocol::vocabulary::{ExecutionMode, Priority};
use protocol::{EventData, ProjectId, RequestId, TaskId};
use routing_engine::analysis::Analyst;
use routing_engine::analysis::agent_service::AgentService;
use routing_engine::context::{ContextService, ContextSettings};
use routing_engine::lanes::{LaneLimits, TierLane};
use routing_engine::outbound::{Outbound, OutboundSettings};
use routing_engine::settings::{DEFAULTS, Settings};
use service_runtime::clock::{Clock, ManualClock};
use service_runtime::settings::{Layers, load};

pub(crate) fn settings() -> Settings {
    load(Layers { defaults: DEFAULTS, file: None, environment: std::iter::empty() }).unwrap()
}

pub(crate) fn noon() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) fn task(description: &str) -> TaskCreated {
    TaskCreated {
        task_id: TaskId::generate(),
        project_id: ProjectId::new("shop").unwrap(),
        description: description.to_owned(),
        attempt: 1,
        priority: Priority::Normal,
        options: TaskOptions::default(),
        mode: ExecutionMode::Autonomous,
        inputs: Vec::new(),
        feedback: Vec::new(),
        parent_id: None,
        work_type: None,
        parameters: None,
        constitution: None,
        minimum_tier: None,
        paused_tiers: Vec::new(),
        request_id: RequestId::generate(),
        deadline_at: None,
        created_at: noon().into(),
    }
}

/// Ample time for services that answer, however busy the machine is.
pub(crate) const PATIENT: Duration = Duration::from_secs(10);
/// Little time for services that are meant to be too slow.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(100);

fn limits(timeout: Duration) -> OutboundSettings {
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
    OutboundSettings {
        timeout_ms,
        connect_timeout_ms: timeout_ms,
        attempts: 2,
        retry_delay_ms: 1,
        max_answer_bytes: 64 * 1024,
        breaker_failures: 3,
        breaker_rest_seconds: 30,
    }
}

/// A lane under test, with the clock it goes by.
pub(crate) struct Bench {
    pub(crate) lane: TierLane,
    pub(crate) clock: ManualClock,
}

impl Bench {
    pub(crate) fn new(agent_service: Option<&str>, rag_service: Option<&str>) -> Self {
        Self::with_timeout(PATIENT, agent_service, rag_service)
    }

    pub(crate) fn with_timeout(
        timeout: Duration,
        agent_service: Option<&str>,
        rag_service: Option<&str>,
    ) -> Self {
        let settings = settings();
        let clock = ManualClock::at(noon());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let tiers = settings.routing.tier_table().unwrap();
        let outbound = |name, address: &str| {
            Outbound::new(name, address.to_owned(), limits(timeout), Arc::clone(&shared)).unwrap()
        };
        let analyst = Analyst::new(
            settings.routing.rules(&tiers).unwrap(),
            agent_service.map(|address| AgentService::new(outbound("agent_service", address))),
        );
        let context = rag_service.map(|address| {
            let asked = ContextSettings { max_tokens: 4000, max_query_characters: 100 };
            ContextService::new(outbound("rag_service", address), asked)
        });
        let limits = LaneLimits { concurrency: 4, analysis: PATIENT * 2 };
        Self { lane: TierLane::new(analyst, context, tiers, shared, limits), clock }
    }

    pub(crate) async fn ready(&self, task: &TaskCreated) -> TaskReady {
        match self.lane.route(task).await {
            EventData::TaskReady(ready) => ready,
            other => panic!("expected task.ready, got {other:?}"),
        }
    }

    pub(crate) async fn decomposed(&self, task: &TaskCreated) -> TaskDecomposed {
        match self.lane.route(task).await {
            EventData::TaskDecomposed(decomposed) => decomposed,
            other => panic!("expected task.decomposed, got {other:?}"),
        }
    }
}

pub(crate) fn has_reason(ready: &TaskReady, part: &str) -> bool {
    ready.routing.reasons.iter().any(|reason| reason.contains(part))
}
