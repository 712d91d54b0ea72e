//! Long forms of their own, on servers that are several: a cluster of brokers that loses its nodes one after another, and
//! a database whose standby is promoted.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use test_support::{BrokerCluster, DatabasePair, OwnServers, Servers};
use tokio::time::sleep;

use super::scene::{Outcome, Scene, Setting};

/// How long the clients work before, between and after failures.
const MEANWHILE: Duration = Duration::from_secs(8);

/// Longer than the agents' queues can be away with their node, and a request waits to be tried again after that.
const AGENT_SECONDS: u32 = 60;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Of three nodes of RabbitMQ each is lost once, the next one when the last is back.
    Cluster,
    /// PostgreSQL's primary is lost and its standby promoted, and then the other way round.
    Standby,
}

/// Plays it.
///
/// # Panics
/// When something cannot be started, or a client got an answer that it cannot have got.
pub async fn play(scenario: Scenario, seed: u64, tasks: usize) -> Outcome {
    let setting =
        Setting { seed, tasks, time: MEANWHILE * 10, agent_seconds: AGENT_SECONDS, breakable: false };
    let started = Instant::now();
    match scenario {
        Scenario::Cluster => lose_nodes(setting, started).await,
        Scenario::Standby => promote_standbys(setting, started).await,
    }
}

async fn lose_nodes(setting: Setting, started: Instant) -> Outcome {
    let database = OwnServers::start().await;
    // The cluster takes its place.
    database.order("stop-broker").await;
    let cluster = BrokerCluster::start(&database.servers().database_admin_url).await;
    let scene = Scene::set(cluster.servers(), setting).await;
    let mut faults = 0;
    // The order is the seed's; every node comes once, the one that most queues are on as well.
    for turn in 0..3 {
        let node = u8::try_from((setting.seed + turn) % 3).unwrap_or_default() + 1;
        sleep(MEANWHILE).await;
        cluster.spare(node).await;
        tell(started, &scene, &format!("node {node} of the Broker is killed"));
        cluster.kill(node).await;
        faults += 1;
        sleep(MEANWHILE).await;
        tell(started, &scene, &format!("node {node} of the Broker comes back"));
        cluster.start_again(node).await;
    }
    sleep(MEANWHILE).await;
    scene.end(faults, &[]).await
}

async fn promote_standbys(setting: Setting, started: Instant) -> Outcome {
    let broker = OwnServers::start().await;
    broker.order("stop-database").await;
    let pair = DatabasePair::start().await;
    let servers = Servers { database_admin_url: pair.admin_url().to_owned(), ..broker.servers().clone() };
    let scene = Scene::set(&servers, setting).await;
    let mut faults = 0;
    for (primary, standby) in [(1, 2), (2, 1)] {
        sleep(MEANWHILE).await;
        tell(started, &scene, &format!("server {primary} of the Database is killed, {standby} is promoted"));
        pair.fail_over(primary, standby).await;
        faults += 1;
        sleep(MEANWHILE).await;
        tell(started, &scene, &format!("server {primary} of the Database follows {standby}"));
        pair.follow(primary, standby).await;
    }
    sleep(MEANWHILE).await;
    scene.end(faults, &[]).await
}

fn tell(started: Instant, scene: &Scene, what: &str) {
    eprintln!("{:7.1} s, {:5} tasks: {what}", started.elapsed().as_secs_f64(), scene.workload.promised());
}
