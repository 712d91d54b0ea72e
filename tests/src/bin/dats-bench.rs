//! `dats-bench`: measures the services and prints how they did. The services' programs are taken from the folder of this
//! one; PostgreSQL and RabbitMQ from the environment, as for the tests.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool that may fail loudly and prints its result"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use end_to_end::bench::figures::{Floor, Target};
use end_to_end::bench::report::{self, Machine, Report};
use end_to_end::bench::rounds;
use end_to_end::bench::scale::Scale;
use end_to_end::bench::scenarios::{self, Scenario};

/// Measures how fast the services are, beside what the machine can do at best.
#[derive(Debug, Parser)]
struct Arguments {
    /// One short round of everything.
    #[arg(long, conflicts_with = "smoke")]
    quick: bool,
    /// Only see that everything works; the figures mean nothing.
    #[arg(long)]
    smoke: bool,
    /// Scenarios to run, by name and with commas; all but the soak when absent.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Floors are measured when a target needs them; with this, all of them.
    #[arg(long)]
    floors: bool,
    /// Rounds, of which the median is told.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds that each scenario is measured.
    #[arg(long)]
    seconds: Option<u64>,
    /// Minutes that the soak lasts.
    #[arg(long)]
    soak_minutes: Option<u64>,
    /// Write the report as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the report as Markdown to this file.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// List the scenarios and end.
    #[arg(long)]
    list: bool,
}

impl Arguments {
    fn scale(&self) -> Scale {
        let mut scale = match (self.smoke, self.quick) {
            (true, _) => Scale::smoke(),
            (_, true) => Scale::quick(),
            _ => Scale::full(),
        };
        scale.rounds = self.rounds.unwrap_or(scale.rounds).max(1);
        scale.time = self.seconds.map_or(scale.time, std::time::Duration::from_secs);
        scale.soak =
            self.soak_minutes.map_or(scale.soak, |minutes| std::time::Duration::from_secs(minutes * 60));
        scale
    }

    /// The scenarios that were asked for; the name that is none, else.
    fn scenarios(&self) -> Result<Vec<&'static Scenario>, String> {
        let all = scenarios::all();
        if self.only.is_empty() {
            return Ok(all.iter().filter(|scenario| scenario.by_default).collect());
        }
        let find =
            |name: &String| all.iter().find(|scenario| scenario.name == name).ok_or_else(|| name.clone());
        self.only.iter().map(find).collect()
    }

    fn floors(&self, scenarios: &[&'static Scenario]) -> Vec<Floor> {
        let needed = |floor: &Floor| {
            let mut targets = scenarios.iter().flat_map(|scenario| scenario.targets);
            targets.any(|(_, target)| matches!(target, Target::TimesFloor(_, of) if of == floor))
        };
        let all = self.floors || self.only.is_empty();
        Floor::ALL.into_iter().filter(|floor| all || needed(floor)).collect()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for scenario in scenarios::all() {
            println!("{:<18} {}", scenario.name, scenario.operation);
        }
        return ExitCode::SUCCESS;
    }
    let scenarios = match arguments.scenarios() {
        Ok(scenarios) => scenarios,
        Err(name) => {
            eprintln!("there is no scenario {name}: see --list");
            return ExitCode::from(64);
        }
    };
    let floors = arguments.floors(&scenarios);
    let date = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let machine = Machine::look().await;
    let results = rounds::run(&scenarios, &floors, &arguments.scale()).await;
    let command = command();
    let report = Report { date, command, machine, results };
    println!("{}", report::table(&report));
    if let Some(file) = &arguments.json {
        let text = format!("{:#}\n", report::json(&report));
        std::fs::write(file, text).expect("write the report");
    }
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, report::markdown(&report)).expect("write the report");
    }
    if report.results.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The command as a user would type it.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("dats-bench {}", arguments.join(" ")).trim_end().to_owned()
}
