//! A PostgreSQL and a RabbitMQ of one test's own, as processes that it may stop, kill and start again.

pub(crate) mod script;

use crate::Servers;
use crate::servers::parse;
use script::Script;

/// How many ports the servers need, in a row.
const PORTS: u16 = 6;
/// The script that runs them, below the folder of the checkout.
const SCRIPT: &str = "deploy/local/services";

/// Running servers; they end, with their data, when this value does or when the test's process is gone.
#[derive(Debug)]
pub struct OwnServers {
    script: Script,
    servers: Servers,
}

impl OwnServers {
    /// Sets them up and waits until they are ready, which takes some seconds.
    ///
    /// # Panics
    /// When they cannot be started; the message holds what the script said.
    pub async fn start() -> Self {
        let script = Script::new(SCRIPT);
        script.up(PORTS, &["up"]).await;
        let settings = script.run(&["env"]).await;
        let servers = Servers::of_settings(&parse(&settings)).expect("complete settings");
        Self { script, servers }
    }

    /// Where they are.
    #[must_use]
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Does something to one of them and returns when it is done: `stop`, `kill` (SIGKILL), `start` or `restart`, then
    /// `-broker` or `-database`.
    ///
    /// # Panics
    /// When that fails.
    pub async fn order(&self, command: &str) {
        self.script.run(&[command]).await;
    }

    /// Runs rabbitmqctl against the broker.
    ///
    /// # Panics
    /// When that fails.
    pub async fn ctl(&self, arguments: &[&str]) {
        let command: Vec<&str> = ["ctl"].iter().chain(arguments).copied().collect();
        self.script.run(&command).await;
    }
}
