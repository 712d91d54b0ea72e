//! How long and how much to measure: fully, quickly, or just to see that everything works.

use std::time::Duration;

/// The amounts of one run.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Rounds; every figure is the median of them.
    pub rounds: usize,
    /// Time before measuring begins, in each scenario.
    pub warm_up: Duration,
    /// Time that is measured, in each scenario.
    pub time: Duration,
    /// Time for each floor.
    pub floor_time: Duration,
    /// Connections or clients where a scenario has 64, unless it fixes the rate.
    pub connections: u32,
    /// Most tasks under way from end to end.
    pub under_way: usize,
    /// Messages in a backlog that is worked off.
    pub backlog: usize,
    /// Tasks and records that are read at random.
    pub stock: usize,
    /// Artifacts that depend on the root of a large part of the graph; the whole graph has ten times as many.
    pub graph: usize,
    /// Questions about the graph of each kind.
    pub questions: usize,
    /// Files that are imported.
    pub files: usize,
    /// Agents that are heard of.
    pub agents: u32,
    /// Tasks that wait in the queues of projects.
    pub queued: usize,
    /// Tasks in each layer of those that wait for one another.
    pub layer: usize,
    /// Finished tasks in the tables where there are a million.
    pub crowd: usize,
    /// Subscribers of live updates.
    pub subscribers: usize,
    /// Requests a second where a scenario fixes them.
    pub fixed_rate: f64,
    /// How long the soak lasts.
    pub soak: Duration,
}

impl Scale {
    /// What the report is made of.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            rounds: 3,
            warm_up: Duration::from_secs(2),
            time: Duration::from_secs(8),
            floor_time: Duration::from_secs(5),
            connections: 64,
            under_way: 512,
            backlog: 200_000,
            stock: 20_000,
            graph: 100_000,
            questions: 100,
            files: 100_000,
            agents: 10_000,
            queued: 10_000,
            layer: 100,
            crowd: 1_000_000,
            subscribers: 2_000,
            fixed_rate: 500.0,
            soak: Duration::from_secs(20 * 60),
        }
    }

    /// Every figure once, roughly, within three minutes.
    #[must_use]
    pub const fn quick() -> Self {
        Self {
            rounds: 1,
            warm_up: Duration::from_secs(1),
            time: Duration::from_secs(3),
            floor_time: Duration::from_secs(2),
            backlog: 20_000,
            stock: 5_000,
            graph: 10_000,
            questions: 40,
            files: 10_000,
            agents: 1_000,
            queued: 2_000,
            layer: 100,
            crowd: 100_000,
            subscribers: 500,
            fixed_rate: 200.0,
            soak: Duration::from_secs(20),
            ..Self::full()
        }
    }

    /// Only to see that it works; the figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            warm_up: Duration::from_millis(100),
            time: Duration::from_millis(500),
            floor_time: Duration::from_secs(1),
            connections: 4,
            under_way: 8,
            backlog: 200,
            stock: 50,
            graph: 1_000,
            questions: 3,
            files: 100,
            agents: 20,
            queued: 200,
            layer: 5,
            crowd: 1_000,
            subscribers: 20,
            fixed_rate: 40.0,
            soak: Duration::from_secs(2),
            ..Self::quick()
        }
    }
}
