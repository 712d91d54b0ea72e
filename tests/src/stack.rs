//! The three services with databases and a virtual host of their own, started, killed and restarted at will.

mod plan;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use stand_ins::process::{self, Launch, Service};
use stand_ins::qa::{Qa, QaSettings};
use stand_ins::worker::{Worker, WorkerSettings};
use test_support::{Proxy, Servers, TestBroker, TestDatabase};

pub use plan::Plan;

use crate::links::Links;
use crate::{Client, Outsider};

const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The api-gateway.
    Gateway,
    /// A second api-gateway on the same database.
    SecondGateway,
    /// The routing-engine.
    Routing,
    /// A second routing-engine.
    SecondRouting,
    /// The provenance-store.
    Provenance,
    /// A second provenance-store on the same database.
    SecondProvenance,
}

impl Role {
    const fn program(self) -> &'static str {
        match self {
            Self::Gateway | Self::SecondGateway => "api-gateway",
            Self::Routing | Self::SecondRouting => "routing-engine",
            Self::Provenance | Self::SecondProvenance => "provenance-store",
        }
    }
}

/// A worker and QA that run inside the test. They connect to the broker directly, past any proxy.
#[derive(Debug)]
pub struct StandIns {
    /// The worker.
    pub worker: Worker,
    /// QA.
    pub qa: Qa,
}

/// Running services. Dropping it kills them and removes their databases and virtual host.
pub struct Stack {
    services: BTreeMap<Role, Service>,
    /// Before the broker, if planned.
    pub broker_proxy: Option<Proxy>,
    /// Before PostgreSQL with both databases, if planned.
    pub database_proxy: Option<Proxy>,
    /// Each process's own ways to the servers, if planned.
    pub links: BTreeMap<Role, Links>,
    broker: TestBroker,
    gateway_database: TestDatabase,
    provenance_database: TestDatabase,
    logs: PathBuf,
    keep_logs: bool,
}

impl Stack {
    async fn start(plan: Plan) -> Self {
        let servers = plan.servers.as_ref().unwrap_or_else(|| Servers::find());
        let (gateway_database, provenance_database, broker) = tokio::join!(
            TestDatabase::create_on(servers, "gateway"),
            TestDatabase::create_on(servers, "provenance"),
            TestBroker::create_on(servers, "e2e"),
        );
        let (mut broker_proxy, mut database_proxy) = (None, None);
        if plan.behind_proxies {
            broker_proxy = Some(Proxy::in_front_of(broker.url()).await);
            database_proxy = Some(Proxy::in_front_of(gateway_database.url()).await);
        }
        let logs = std::env::temp_dir().join(format!("dats-e2e-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&logs).expect("a folder for logs");
        let mut stack = Self {
            services: BTreeMap::new(),
            broker_proxy,
            database_proxy,
            links: BTreeMap::new(),
            broker,
            gateway_database,
            provenance_database,
            logs,
            keep_logs: false,
        };
        for &role in &plan.roles {
            let environment = stack.environment(&plan, role).await;
            stack.launch(
                role,
                Launch {
                    name: format!("{role:?}"),
                    program: process::program(role.program()).expect("the services are built"),
                    port: process::free_port().expect("a free port"),
                    environment,
                    log: stack.logs.join(format!("{role:?}.log")),
                },
            );
        }
        for &role in &plan.roles {
            stack.ready(role).await;
        }
        stack
    }

    /// The settings of a process, which name the servers as its network leads to them.
    async fn environment(&mut self, plan: &Plan, role: Role) -> Vec<(String, String)> {
        let mut broker = through(self.broker_proxy.as_ref(), self.broker.url());
        let mut database = match role {
            Role::Routing | Role::SecondRouting => None,
            _ => Some(through(self.database_proxy.as_ref(), self.database(role).url())),
        };
        if plan.own_links {
            let links = Links::new(&broker, database.as_deref()).await;
            (broker, database) = links.urls(&broker, database.as_deref());
            self.links.insert(role, links);
        }
        let own = plan.settings.iter().filter(|(of, _, _)| *of == role);
        let clock = plan.movable_clocks.then(|| self.clock_file(role).display().to_string());
        [("RABBITMQ_URL", broker), ("LOG_LEVEL", "info".to_owned())]
            .into_iter()
            .chain(database.map(|url| ("DATABASE_URL", url)))
            .chain(clock.map(|file| ("DATS_CLOCK_SHIFT_FILE", file)))
            .map(|(name, value)| (name.to_owned(), value))
            .chain(own.map(|(_, name, value)| (name.clone(), value.clone())))
            .collect()
    }

    /// Sets the clock of a process wrong by so many seconds, or right again.
    pub fn shift_clock(&self, role: Role, seconds: i64) {
        std::fs::write(self.clock_file(role), seconds.to_string()).expect("the file of a clock");
    }

    fn clock_file(&self, role: Role) -> PathBuf {
        self.logs.join(format!("{role:?}.clock"))
    }

    /// Starts a process without waiting for it.
    pub fn launch(&mut self, role: Role, launch: Launch) {
        self.services.insert(role, Service::start(launch).expect("the service starts"));
    }

    /// Waits until a process is ready.
    pub async fn ready(&mut self, role: Role) {
        let service = self.services.get_mut(&role).expect("a running service");
        if let Err(error) = service.ready(READY_WITHIN).await {
            panic!("{error:#}");
        }
    }

    /// Kills a process on the spot and says how to launch it again.
    pub async fn kill(&mut self, role: Role) -> Launch {
        let service = self.services.remove(&role).expect("a running service");
        service.kill().await.expect("killed")
    }

    /// Kills a process on the spot, starts it again and waits until it is ready.
    pub async fn crash(&mut self, role: Role) {
        let launch = self.kill(role).await;
        self.launch(role, launch);
        self.ready(role).await;
    }

    /// How a process was launched.
    #[must_use]
    pub fn launch_of(&self, role: Role) -> Launch {
        self.service(role).launch().clone()
    }

    /// Everything that a process has logged so far.
    #[must_use]
    pub fn logs_of(&self, role: Role) -> String {
        std::fs::read_to_string(&self.service(role).launch().log).expect("the log")
    }

    /// Shows and keeps what the services said, as after a failed test.
    pub const fn keep_logs(&mut self) {
        self.keep_logs = true;
    }

    /// Asks a process to end with SIGTERM; its exit code.
    pub async fn terminate(&mut self, role: Role) -> Option<i32> {
        let service = self.services.remove(&role).expect("a running service");
        service.stop(STOP_WITHIN).await.expect("it ends by itself").code()
    }

    /// Whether a process still runs.
    pub fn is_running(&mut self, role: Role) -> bool {
        self.service_mut(role).is_running().expect("the state of a child")
    }

    /// A process's id.
    #[must_use]
    pub fn pid(&self, role: Role) -> u32 {
        self.service(role).pid().expect("a running service")
    }

    /// A REST client of the gateway.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_of(Role::Gateway)
    }

    /// A client of any process; all have the operational paths.
    #[must_use]
    pub fn client_of(&self, role: Role) -> Client {
        Client::new(self.service(role).url())
    }

    /// A stranger on this stack's virtual host.
    #[must_use]
    pub const fn outsider(&self) -> Outsider<'_> {
        Outsider(&self.broker)
    }

    /// The api-gateways' database.
    #[must_use]
    pub const fn gateway_database(&self) -> &TestDatabase {
        &self.gateway_database
    }

    /// The provenance-store's database.
    #[must_use]
    pub const fn provenance_database(&self) -> &TestDatabase {
        &self.provenance_database
    }

    /// The processes that run.
    pub fn running(&self) -> impl Iterator<Item = Role> {
        self.services.keys().copied()
    }

    /// A worker that takes 20 ms for a task, and QA.
    #[must_use]
    pub fn stand_ins(&self) -> StandIns {
        StandIns { worker: self.worker(|_| {}), qa: self.qa() }
    }

    /// A quick worker, changed as the test likes.
    pub fn worker(&self, change: impl FnOnce(&mut WorkerSettings)) -> Worker {
        let mut settings = WorkerSettings::new(self.broker.url());
        settings.duration = Duration::from_millis(20);
        settings.concurrency = 32;
        change(&mut settings);
        Worker::start(settings).expect("a worker")
    }

    /// A quick QA.
    #[must_use]
    pub fn qa(&self) -> Qa {
        let mut settings = QaSettings::new(self.broker.url());
        settings.duration = Duration::from_millis(5);
        Qa::start(settings).expect("a QA")
    }

    /// The URL of a process's database, past any proxy.
    ///
    /// # Panics
    /// For the routing-engine, which has none.
    #[must_use]
    pub fn database_url(&self, role: Role) -> &str {
        self.database(role).url()
    }

    /// Drops everything in a process's database.
    pub async fn wipe_database(&self, role: Role) {
        let client = self.database(role).client().await;
        client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.expect("wiped");
    }

    fn database(&self, role: Role) -> &TestDatabase {
        match role {
            Role::Gateway | Role::SecondGateway => &self.gateway_database,
            Role::Provenance | Role::SecondProvenance => &self.provenance_database,
            Role::Routing | Role::SecondRouting => panic!("the routing-engine has no database"),
        }
    }

    fn service(&self, role: Role) -> &Service {
        self.services.get(&role).expect("a running service")
    }

    fn service_mut(&mut self, role: Role) -> &mut Service {
        self.services.get_mut(&role).expect("a running service")
    }
}

/// The URL as it leads through the proxy, where there is one.
fn through(proxy: Option<&Proxy>, url: &str) -> String {
    proxy.map_or_else(|| url.to_owned(), |proxy| proxy.url(url))
}

impl Drop for Stack {
    /// A failed test shows what the services had to say; a passed one leaves nothing behind.
    fn drop(&mut self) {
        if std::thread::panicking() || self.keep_logs {
            for service in self.services.values() {
                eprintln!("{}", service.log_tail());
            }
            eprintln!("all logs: {}", self.logs.display());
        } else {
            // Another process may be looking at them; what stays is in the temporary folder.
            let _ = std::fs::remove_dir_all(&self.logs);
        }
    }
}
