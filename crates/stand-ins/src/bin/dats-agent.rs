//! `dats-agent`: the stand-in agent as a program. Ends on Ctrl-C or SIGTERM, or when it dies as told.

use std::io::Write;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use protocol::vocabulary::AgentType;
use stand_ins::agent::load::{self, LoadSettings};
use stand_ins::agent::{Acknowledges, Agent, AgentSettings, CancelHabit, Habits, Identity};
use stand_ins::{logging, process};
use uuid::Uuid;

/// Takes work requests (echo, slow_echo, fail) and answers them, with the habits of real agents unless told otherwise.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    load: Option<LoadCommand>,
    /// Broker, as amqp://user:password@host:port/vhost
    #[arg(long, env = "RABBITMQ_URL", hide_env_values = true, required = true)]
    rabbitmq_url: Option<String>,
    /// infra, desktop, code or research
    #[arg(long, default_value_t = AgentType::Infra)]
    agent_type: AgentType,
    /// Queue to take work from
    #[arg(long, default_value = "work_queue")]
    queue: String,
    /// Jobs at once
    #[arg(long, default_value_t = 1)]
    concurrency: u16,
    /// Milliseconds between heartbeats; the first comes after one of them
    #[arg(long, default_value_t = 30_000)]
    heartbeat_ms: u64,
    /// Milliseconds that a slow_echo takes
    #[arg(long, default_value_t = 5_000)]
    slow_echo_ms: u64,
    /// Steps of a slow_echo that are told as progress
    #[arg(long, default_value_t = 4)]
    progress_steps: u32,
    /// An id to keep, or `nil` for all zeros in heartbeats; a new one each time when absent
    #[arg(long, value_parser = identity)]
    agent_id: Option<Identity>,
    /// Acknowledge a request when its result is confirmed, not before the work
    #[arg(long)]
    acknowledge_after_work: bool,
    /// Write times with their zone
    #[arg(long)]
    zoned_timestamps: bool,
    /// Send messages that survive a restart of the broker
    #[arg(long)]
    persistent_replies: bool,
    /// Forget results, so that a request that comes twice is worked on twice
    #[arg(long)]
    forget_results: bool,
    /// How often each result is sent
    #[arg(long, default_value_t = 1)]
    answers: u32,
    /// What to do when asked to cancel
    #[arg(long, value_enum, default_value_t = OnCancel::Fail)]
    on_cancel: OnCancel,
    /// Vanish in the middle of this job, counting from 1
    #[arg(long)]
    die_in_job: Option<u32>,
}

#[derive(Subcommand)]
enum LoadCommand {
    /// Many agents at once, bounded: sends heartbeats and results at a rate, tells how fast they were taken in, ends
    Load {
        /// Broker, as amqp://user:password@host:port/vhost
        #[arg(long, env = "RABBITMQ_URL", hide_env_values = true)]
        rabbitmq_url: String,
        /// The gateway, without a prefix
        #[arg(long, default_value = "http://127.0.0.1:8000")]
        gateway: String,
        /// Heartbeats to send
        #[arg(long, default_value_t = 0)]
        heartbeats: u32,
        /// How many agents they are from
        #[arg(long, default_value_t = 1_000)]
        agents: u32,
        /// Results to send, for work that is dispatched before; no other agent may run
        #[arg(long, default_value_t = 0)]
        results: u32,
        /// Messages a second
        #[arg(long, default_value_t = 5_000)]
        rate: u32,
        /// How often to list all agents
        #[arg(long, default_value_t = 0)]
        listings: u32,
        /// Seconds after which to give up
        #[arg(long, default_value_t = 120)]
        patience: u64,
    },
}

impl LoadCommand {
    fn settings(self) -> LoadSettings {
        let Self::Load { rabbitmq_url, gateway, heartbeats, agents, results, rate, listings, patience } =
            self;
        LoadSettings {
            rabbitmq_url,
            gateway_url: gateway,
            heartbeats,
            agents,
            results,
            rate,
            listings,
            patience: Duration::from_secs(patience),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OnCancel {
    /// Answer it as failed; the job goes on
    Fail,
    /// Do nothing
    Ignore,
    /// Stop the job
    Obey,
}

fn identity(text: &str) -> Result<Identity, uuid::Error> {
    if text == "nil" { Ok(Identity::Nil) } else { Uuid::parse_str(text).map(Identity::Stable) }
}

impl Arguments {
    fn settings(self) -> AgentSettings {
        AgentSettings {
            rabbitmq_url: self.rabbitmq_url.unwrap_or_default(),
            agent_type: self.agent_type,
            queue: self.queue,
            concurrency: self.concurrency,
            habits: Habits {
                acknowledges: if self.acknowledge_after_work {
                    Acknowledges::AfterWork
                } else {
                    Acknowledges::BeforeWork
                },
                identity: self.agent_id.unwrap_or_default(),
                cancel: match self.on_cancel {
                    OnCancel::Fail => CancelHabit::AnswersFailed,
                    OnCancel::Ignore => CancelHabit::Ignores,
                    OnCancel::Obey => CancelHabit::Obeys,
                },
                zone_less_timestamps: !self.zoned_timestamps,
                dies_in_job: self.die_in_job,
                answers: self.answers,
                remembers_results: !self.forget_results,
                persistent_replies: self.persistent_replies,
                heartbeat_interval: Duration::from_millis(self.heartbeat_ms.max(1)),
                slow_echo: Duration::from_millis(self.slow_echo_ms),
                progress_steps: self.progress_steps,
            },
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    logging::to_stderr();
    if let Some(command) = arguments.load.take() {
        let report = load::run(&command.settings()).await?;
        writeln!(std::io::stdout(), "{report}")?;
        return Ok(());
    }
    let agent = Agent::start(arguments.settings())?;
    tokio::select! {
        told = process::until_told_to_stop() => {
            told?;
            agent.stop().await;
            Ok(())
        }
        () = agent.died() => anyhow::bail!("died in the middle of a job, as told"),
    }
}
