//! `dats-qa`: the stand-in QA as a program. Ends on Ctrl-C or SIGTERM.

use std::time::Duration;

use clap::Parser;
use stand_ins::qa::{Qa, QaSettings};
use stand_ins::{logging, process};

/// Judges outputs by rule and publishes the verdicts.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Broker, as amqp://user:password@host:port/vhost
    #[arg(long, env = "RABBITMQ_URL", hide_env_values = true)]
    rabbitmq_url: String,
    /// Milliseconds that a judgement takes
    #[arg(long, default_value_t = 200)]
    duration_ms: u64,
    /// Judgements at once
    #[arg(long, default_value_t = 32)]
    concurrency: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    logging::to_stderr();
    let qa = Qa::start(QaSettings {
        rabbitmq_url: arguments.rabbitmq_url,
        duration: Duration::from_millis(arguments.duration_ms),
        concurrency: arguments.concurrency.max(1),
    })?;
    process::until_told_to_stop().await?;
    qa.stop().await;
    Ok(())
}
