//! Two PostgreSQL servers of a test's own, one the other's synchronous standby.

use crate::own_servers::script::Script;
use crate::servers::parse;

/// How many ports the servers need, in a row.
const PORTS: u16 = 2;
const SCRIPT: &str = "deploy/local/database-pair";

/// Running servers; they end, with their data, when this value does or when the test's process is gone.
#[derive(Debug)]
pub struct DatabasePair {
    script: Script,
    admin_url: String,
}

impl DatabasePair {
    /// Sets up server 1 as the primary and server 2 as its standby.
    ///
    /// # Panics
    /// When they cannot be started; the message holds what the script said.
    pub async fn start() -> Self {
        let script = Script::new(SCRIPT);
        script.up(PORTS, &["up"]).await;
        let settings = parse(&script.run(&["env"]).await);
        let admin_url = settings["DATS_DATABASE_ADMIN_URL"].clone();
        Self { script, admin_url }
    }

    /// Both servers in one URL that leads to whichever is the primary.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Kills the primary on the spot and makes the standby the primary.
    ///
    /// # Panics
    /// When that fails.
    pub async fn fail_over(&self, primary: u8, standby: u8) {
        self.script.run(&["kill", &primary.to_string()]).await;
        self.script.run(&["promote", &standby.to_string()]).await;
    }

    /// Makes a dead server anew, as the standby of the other.
    ///
    /// # Panics
    /// When that fails.
    pub async fn follow(&self, standby: u8, primary: u8) {
        self.script.run(&["follow", &standby.to_string(), &primary.to_string()]).await;
    }
}
