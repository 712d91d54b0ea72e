//! `dats-worker`: the stand-in worker as a program. Ends on Ctrl-C or SIGTERM.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use protocol::vocabulary::Tier;
use stand_ins::worker::{Worker, WorkerSettings};
use stand_ins::{logging, process};

/// Takes tasks from the worker queues and hands in small artifacts.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Broker, as amqp://user:password@host:port/vhost
    #[arg(long, env = "RABBITMQ_URL", hide_env_values = true)]
    rabbitmq_url: String,
    /// Who the worker says it is
    #[arg(long, default_value = "stand-in-worker")]
    worker_id: String,
    /// Tiers whose work it takes
    #[arg(long, value_delimiter = ',', default_value = "tiny,small,large,frontier")]
    tiers: Vec<String>,
    /// Tasks at once
    #[arg(long, default_value_t = 8)]
    concurrency: u16,
    /// Milliseconds that a task takes
    #[arg(long, default_value_t = 500)]
    duration_ms: u64,
    /// Progress messages on the way
    #[arg(long, default_value_t = 3)]
    progress_steps: u32,
    /// Share of attempts that fail, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    failure_rate: f64,
    /// Seed of the choice which attempts fail
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder to write the artifacts to
    #[arg(long)]
    output_dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    logging::to_stderr();
    let worker = Worker::start(WorkerSettings {
        rabbitmq_url: arguments.rabbitmq_url,
        worker_id: arguments.worker_id,
        tiers: arguments.tiers.into_iter().map(Tier::from).collect(),
        concurrency: arguments.concurrency.max(1),
        duration: Duration::from_millis(arguments.duration_ms),
        progress_steps: arguments.progress_steps,
        failure_rate: arguments.failure_rate,
        seed: arguments.seed,
        output_dir: arguments.output_dir,
    })?;
    process::until_told_to_stop().await?;
    worker.stop().await;
    Ok(())
}
