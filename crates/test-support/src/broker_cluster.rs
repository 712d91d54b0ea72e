//! Three RabbitMQ nodes that are one cluster, of a test's own, behind what stands for their load balancer.

use std::collections::HashMap;

use crate::own_servers::script::Script;
use crate::servers::parse;
use crate::{Proxy, Servers};

/// How many ports the nodes need, in a row.
const PORTS: u16 = 10;
const SCRIPT: &str = "deploy/local/broker-cluster";

/// Running nodes; they end, with their data, when this value does or when the test's process is gone.
#[derive(Debug)]
pub struct BrokerCluster {
    script: Script,
    servers: Servers,
    // They end with this value.
    _balancers: [Proxy; 2],
}

impl BrokerCluster {
    /// Sets up the nodes and waits until they are one cluster, which takes some 20 seconds.
    ///
    /// # Panics
    /// When they cannot be started; the message holds what the script said.
    pub async fn start(database_admin_url: &str) -> Self {
        let script = Script::new(SCRIPT);
        script.up(PORTS, &["up"]).await;
        let settings = parse(&script.run(&["env"]).await);
        let (broker, broker_url) = balanced(&settings, "RABBITMQ_URL").await;
        let (management, management_url) = balanced(&settings, "RABBITMQ_MANAGEMENT_URL").await;
        let database_admin_url = database_admin_url.to_owned();
        let servers = Servers { database_admin_url, broker_url, management_url };
        Self { script, servers, _balancers: [broker, management] }
    }

    /// The cluster through its load balancer, with the database that it was started beside.
    #[must_use]
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Kills a node, 1 to 3, on the spot.
    ///
    /// # Panics
    /// When that fails.
    pub async fn kill(&self, node: u8) {
        self.script.run(&["kill", &node.to_string()]).await;
    }

    /// Starts a node again and waits until the cluster is whole.
    ///
    /// # Panics
    /// When that fails.
    pub async fn start_again(&self, node: u8) {
        self.script.run(&["start", &node.to_string()]).await;
    }

    /// Waits until the other nodes have all that a node has, so that it can be lost.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn spare(&self, node: u8) {
        self.script.run(&["spare", &node.to_string()]).await;
    }
}

/// A balancer before the three servers whose URLs the settings hold, and its URL.
async fn balanced(settings: &HashMap<String, String>, name: &str) -> (Proxy, String) {
    let urls: Vec<&str> = (1..=3).map(|node| settings[&format!("{name}_{node}")].as_str()).collect();
    let balancer = Proxy::in_front_of_any(&urls).await;
    let url = balancer.url(urls[0]);
    (balancer, url)
}
