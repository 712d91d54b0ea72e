//! What is measured: quantities with their units, targets, and the floors that some targets are told in.

use std::fmt;

use super::latencies::Latencies;
use super::load::Measured;

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Operations a second.
    Rate,
    /// Median time.
    P50,
    /// Time that 95 of 100 do not exceed.
    P95,
    /// Time that 99 of 100 do not exceed.
    P99,
    /// Time that 95 of 100 questions for a record do not exceed.
    RecordP95,
    /// The same of questions for direct dependents.
    DirectP95,
    /// The same of questions for the impact of something that 10,000 artifacts depend on.
    SmallImpactP95,
    /// The same with 100,000.
    LargeImpactP95,
    /// The same with 10,000 that depend on one another in a row.
    DeepImpactP95,
    /// Time until something that 10,000 artifacts depend on is marked, with all of them.
    Taint,
    /// Whole time of something long.
    Seconds,
    /// Heartbeats of agents taken in a second.
    Heartbeats,
    /// Results of agents taken in a second.
    Results,
    /// Time that 95 of 100 lists of all agents do not exceed.
    ListP95,
    /// Largest resident memory of the api-gateway.
    GatewayMemory,
    /// Largest resident memory of the routing-engine.
    RoutingMemory,
    /// Largest resident memory of the provenance-store.
    ProvenanceMemory,
    /// How much more memory the services have at the end than after the first quarter.
    Growth,
    /// Requests that were not answered as expected.
    Failures,
}

impl Quantity {
    /// What it is called in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::RecordP95 => "record by id, p95",
            Self::DirectP95 => "direct dependents, p95",
            Self::SmallImpactP95 => "impact of 10,000, p95",
            Self::LargeImpactP95 => "impact of 100,000, p95",
            Self::DeepImpactP95 => "impact of 10,000 in a row, p95",
            Self::Taint => "taint with 10,000 dependents",
            Self::Seconds => "whole time",
            Self::Heartbeats => "heartbeats",
            Self::Results => "results",
            Self::ListP95 => "list of all agents, p95",
            Self::GatewayMemory => "memory of api-gateway",
            Self::RoutingMemory => "memory of routing-engine",
            Self::ProvenanceMemory => "memory of provenance-store",
            Self::Growth => "growth of memory",
            Self::Failures => "failures",
        }
    }

    /// The unit that its numbers are in.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Rate | Self::Heartbeats | Self::Results => "/s",
            Self::P50
            | Self::P95
            | Self::P99
            | Self::RecordP95
            | Self::DirectP95
            | Self::SmallImpactP95
            | Self::LargeImpactP95
            | Self::DeepImpactP95
            | Self::Taint
            | Self::ListP95 => "ms",
            Self::Seconds => "s",
            Self::GatewayMemory | Self::RoutingMemory | Self::ProvenanceMemory | Self::Growth => "MiB",
            Self::Failures => "",
        }
    }
}

/// What the machine and its servers can do at best, without any of our code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Floor {
    /// pgbench: one client inserts a row and commits, over and over: the speed of one durable commit after another.
    SerialCommit,
    /// pgbench: 64 clients insert a row and commit.
    SingleInsert,
    /// pgbench: 64 clients insert a task and its outbox row in one transaction of two statements.
    TaskAndOutbox,
    /// pgbench: the same in one statement.
    TaskAndOutboxAtOnce,
    /// pgbench: 64 clients read a row by its key.
    PointSelect,
    /// A confirming, pipelined publisher to one quorum queue.
    QuorumPublish,
    /// An actix server that answers a constant, 64 connections.
    StaticAnswer,
}

impl Floor {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SerialCommit,
        Self::SingleInsert,
        Self::TaskAndOutbox,
        Self::TaskAndOutboxAtOnce,
        Self::PointSelect,
        Self::QuorumPublish,
        Self::StaticAnswer,
    ];

    /// What it is called in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SerialCommit => "pgbench insert + commit, 1 client",
            Self::SingleInsert => "pgbench insert + commit, 64 clients",
            Self::TaskAndOutbox => "pgbench task + outbox, two statements, 64 clients",
            Self::TaskAndOutboxAtOnce => "pgbench task + outbox, one statement, 64 clients",
            Self::PointSelect => "pgbench point select, 64 clients",
            Self::QuorumPublish => "confirmed publish to a quorum queue, pipelined",
            Self::StaticAnswer => "actix static answer, 64 connections",
        }
    }
}

/// What a number should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Not less than this.
    AtLeast(f64),
    /// Not less than so many times a floor of the same round.
    TimesFloor(f64, Floor),
    /// Less than this.
    Under(f64),
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(formatter, ">= {least}"),
            Self::TimesFloor(times, floor) => write!(formatter, ">= {times} x {}", floor.name()),
            Self::Under(most) => write!(formatter, "< {most}"),
        }
    }
}

/// What one run of a scenario found.
pub type Findings = Vec<(Quantity, f64)>;

/// Rate, percentiles and failures of a load.
///
/// # Panics
/// When nothing succeeded: then there is nothing to report.
#[must_use]
pub fn of_load(mut measured: Measured) -> Findings {
    let failure = measured.first_failure.take();
    assert!(measured.latencies.count() > 0, "no request succeeded: {failure:?}");
    if let Some(failure) = failure {
        eprintln!("{} requests failed, the first with: {failure}", measured.failures);
    }
    let mut findings = vec![(Quantity::Rate, measured.rate())];
    findings.extend(of_latencies(&mut measured.latencies));
    findings.push((Quantity::Failures, measured.failures as f64));
    findings
}

/// The percentiles of latencies.
#[must_use]
pub fn of_latencies(latencies: &mut Latencies) -> Findings {
    [(Quantity::P50, 0.5), (Quantity::P95, 0.95), (Quantity::P99, 0.99)]
        .map(|(quantity, share)| (quantity, latencies.percentile(share)))
        .into()
}
