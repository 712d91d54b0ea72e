//! What the demo starts and must stop again: three services, a worker, QA, an agent and the Agent Service.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::gateway::Gateway;
use super::local_environment::LocalEnvironment;
use super::screen::{Paint, Screen};
use crate::agent::{Agent, AgentSettings, Identity};
use crate::agent_service::{AgentService, Faults};
use crate::process::{self, Launch, Service};
use crate::qa::{Qa, QaSettings};
use crate::worker::{Worker, WorkerSettings};

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Everything that runs because of the demo.
pub(super) struct Stage {
    folder: PathBuf,
    services: Vec<Service>,
    agent_service: Option<AgentService>,
    worker: Option<Worker>,
    qa: Option<Qa>,
    agent: Option<Agent>,
}

impl Stage {
    /// An empty stage that keeps its logs in `folder`.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, services: Vec::new(), agent_service: None, worker: None, qa: None, agent: None }
    }

    /// Where logs and artifacts are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts everything and waits until it is ready.
    pub(super) async fn set(
        &mut self,
        local: &LocalEnvironment,
        screen: &mut Screen,
    ) -> anyhow::Result<Gateway> {
        screen.line("Starting the services:")?;
        let agent_service = AgentService::start(0, Faults::default())?;
        let analyst = [("AGENT_SERVICE_URL", agent_service.url())];
        self.agent_service = Some(agent_service);
        let database = |url: &str| [("DATABASE_URL", url.to_owned())];
        self.start("api-gateway", local, &database(&local.gateway_database_url))?;
        self.start("routing-engine", local, &analyst)?;
        self.start("provenance-store", local, &database(&local.provenance_database_url))?;
        for service in &mut self.services {
            service.ready(READY_WITHIN).await?;
            let name = screen.cell(&service.launch().name, 18, Paint::Bold);
            screen.line(&format!("  {name} {}", service.url()))?;
        }
        self.worker = Some(Worker::start(WorkerSettings {
            duration: Duration::from_millis(1_500),
            progress_steps: 3,
            output_dir: Some(self.folder.join("artifacts")),
            ..WorkerSettings::new(&local.rabbitmq_url)
        })?);
        let judging = Duration::from_millis(400);
        self.qa = Some(Qa::start(QaSettings { duration: judging, ..QaSettings::new(&local.rabbitmq_url) })?);
        let mut agent = AgentSettings::new(&local.rabbitmq_url);
        agent.habits.slow_echo = Duration::from_secs(2);
        agent.habits.heartbeat_interval = Duration::from_secs(2);
        agent.habits.identity = Identity::Stable(uuid::Uuid::new_v4());
        self.agent = Some(Agent::start(agent)?);
        let stand_ins = screen.cell("stand-ins", 18, Paint::Bold);
        screen.line(&format!("  {stand_ins} a worker, QA, an agent, an Agent Service"))?;
        let gateway = self.services.first().map(Service::url).unwrap_or_default();
        Gateway::new(gateway)
    }

    fn start(
        &mut self,
        name: &str,
        local: &LocalEnvironment,
        settings: &[(&str, String)],
    ) -> anyhow::Result<()> {
        let log = self.folder.join(format!("{name}.log"));
        // Each run begins its own log; one that never existed is as good as removed.
        let _ = std::fs::remove_file(&log);
        let common = [("RABBITMQ_URL", local.rabbitmq_url.clone()), ("LOG_LEVEL", "info".to_owned())];
        let environment = settings.iter().cloned().chain(common).map(|(key, value)| (key.to_owned(), value));
        self.services.push(Service::start(Launch {
            name: name.to_owned(),
            program: process::program(name)?,
            port: process::free_port()?,
            environment: environment.collect(),
            log,
        })?);
        Ok(())
    }

    /// Stops everything, in the reverse order, and tells the first thing that went wrong.
    pub(super) async fn clear(self) -> anyhow::Result<()> {
        if let Some(worker) = self.worker {
            worker.stop().await;
        }
        if let Some(qa) = self.qa {
            qa.stop().await;
        }
        if let Some(agent) = self.agent {
            agent.stop().await;
        }
        let mut outcome = Ok(());
        for service in self.services.into_iter().rev() {
            let name = service.launch().name.clone();
            let stopped = match service.stop(STOP_WITHIN).await {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(anyhow::anyhow!("{name} ended with {status}")),
                Err(error) => Err(error),
            };
            outcome = outcome.and(stopped);
        }
        if let Some(agent_service) = self.agent_service {
            agent_service.stop().await;
        }
        outcome
    }
}
