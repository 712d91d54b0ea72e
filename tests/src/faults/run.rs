//! One run: start everything, let the clients work, make things fail, wait until it is quiet, check.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use test_support::{OwnServers, SmallDisk, TestDatabase};
use tokio::time::sleep;

use super::choice;
use super::fault::Fault;
use super::injector::Injector;
use super::scene::{Outcome, Scene, Setting};

/// About the time of the short list.
const SHORT: Duration = Duration::from_secs(60);

/// How a run is to be.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// How long things fail; without, each fault of the short list comes once.
    pub time: Option<Duration>,
    /// Most tasks that are submitted.
    pub tasks: usize,
}

/// Does what the order says.
///
/// # Panics
/// When something cannot be started, or a client got an answer that it cannot have got.
pub async fn run(order: Order) -> Outcome {
    // The servers end before the disk that they write to: what is made last is dropped first.
    let disk = order.time.and_then(|_| small_disk());
    let servers = OwnServers::start().await;
    if let Some(disk) = &disk {
        put_tables_on(disk, &servers).await;
    }
    let time = order.time.unwrap_or(SHORT);
    let setting = Setting { seed: order.seed, tasks: order.tasks, time, agent_seconds: 20, breakable: true };
    let mut scene = Scene::set(servers.servers(), setting).await;
    let mut injector = Injector::new(&servers, disk.as_ref());
    let faults = make_things_fail(order, &mut injector, &mut scene).await;
    scene.end(faults, &injector.broken).await
}

fn small_disk() -> Option<SmallDisk> {
    match SmallDisk::mount("postgres") {
        Ok(disk) => Some(disk),
        Err(problem) => {
            eprintln!("no disk becomes full here, since none can be mounted: {problem}");
            None
        }
    }
}

/// All tables that are made from now on are on the small disk; the log of the database is not.
async fn put_tables_on(disk: &SmallDisk, servers: &OwnServers) {
    let database = TestDatabase::create_on(servers.servers(), "disk").await;
    let client = database.client().await;
    for statement in [
        format!("CREATE TABLESPACE small LOCATION '{}'", disk.folder().display()),
        "ALTER SYSTEM SET default_tablespace = 'small'".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        client.batch_execute(&statement).await.expect("a tablespace");
    }
}

/// Faults, one after another with pauses between them; how many.
async fn make_things_fail(order: Order, injector: &mut Injector<'_>, scene: &mut Scene) -> usize {
    let mut random = StdRng::seed_from_u64(order.seed);
    let list = match order.time {
        Some(_) => choice::complete_list(&mut random),
        None => choice::short_list(&mut random),
    };
    let started = Instant::now();
    let mut count = 0;
    let mut next = list.into_iter();
    loop {
        let fault: Fault = match (next.next(), order.time) {
            (Some(fault), _) => fault,
            (None, Some(time)) if started.elapsed() < time => choice::any(&mut random),
            (None, _) => return count,
        };
        // Something is always under way when things fail.
        sleep(Duration::from_millis(random.random_range(300..1_500))).await;
        eprintln!(
            "{:7.1} s, {:5} tasks: {fault}",
            started.elapsed().as_secs_f64(),
            scene.workload.promised()
        );
        if injector.inject(fault, &mut scene.stack).await {
            count += 1;
        } else {
            eprintln!("          not possible here");
        }
    }
}
