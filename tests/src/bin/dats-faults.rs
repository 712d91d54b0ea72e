//! `dats-faults`: makes everything fail under load and checks that nothing was lost or done twice. Starts servers of its
//! own; the services' programs are taken from the folder of this one.
#![allow(clippy::print_stdout, reason = "a tool that prints its result")]

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use end_to_end::faults::run::{Order, run};
use end_to_end::faults::scenario::{Scenario, play};

/// Makes everything fail under load and checks that nothing was lost or done twice.
#[derive(Debug, Parser)]
struct Arguments {
    /// Decides what fails when; a new one every time when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// How long things fail; without, every fault of the short list comes once.
    #[arg(long)]
    minutes: Option<u64>,
    /// Something else than single faults, on servers that are several.
    #[arg(long, conflicts_with = "minutes")]
    scenario: Option<Scenario>,
    /// Most tasks that are submitted.
    #[arg(long, default_value_t = 5_000)]
    tasks: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = arguments.seed.unwrap_or(now.as_secs());
    let time = arguments.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    println!("seed {seed}; again with: {}", replay(seed, &arguments));
    let started = Instant::now();
    let outcome = match arguments.scenario {
        Some(scenario) => play(scenario, seed, arguments.tasks).await,
        None => run(Order { seed, time, tasks: arguments.tasks }).await,
    };
    let (most, looks) = outcome.most_under_way;
    println!(
        "seed {seed}: {} minutes, {} tasks promised, {} faults, {} chains with a taint, at most {most} tasks of a project \
         under way ({looks} looks)",
        started.elapsed().as_secs().div_ceil(60),
        outcome.promised,
        outcome.faults,
        outcome.chains
    );
    for violation in &outcome.violations {
        println!("VIOLATION {violation}");
    }
    if outcome.violations.is_empty() {
        println!("seed {seed}: nothing lost, nothing done twice");
        return ExitCode::SUCCESS;
    }
    println!(
        "seed {seed}: {} VIOLATIONS; again with: {}",
        outcome.violations.len(),
        replay(seed, &arguments)
    );
    ExitCode::FAILURE
}

fn replay(seed: u64, arguments: &Arguments) -> String {
    let minutes = arguments.minutes.map_or_else(String::new, |minutes| format!(" --minutes {minutes}"));
    let scenario = match arguments.scenario {
        Some(Scenario::Cluster) => " --scenario cluster",
        Some(Scenario::Standby) => " --scenario standby",
        None => "",
    };
    format!("make test-faults ARGS=\"--seed {seed}{minutes}{scenario} --tasks {}\"", arguments.tasks)
}
