//! What agents do in their own way, each as a choice. The default is what the agents do that are out there.

use std::time::Duration;

use uuid::Uuid;

/// When an agent acknowledges a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledges {
    /// Before it works: if it dies, the request is lost.
    #[default]
    BeforeWork,
    /// When the result is confirmed.
    AfterWork,
}

/// By which id an agent is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identity {
    /// A new one in every heartbeat and every result.
    #[default]
    FreshEachTime,
    /// All zeros in heartbeats, a new one in every result.
    Nil,
    /// Always this one.
    Stable(Uuid),
}

impl Identity {
    pub(super) fn for_heartbeat(self) -> Uuid {
        match self {
            Self::FreshEachTime => Uuid::new_v4(),
            Self::Nil => Uuid::nil(),
            Self::Stable(id) => id,
        }
    }

    pub(super) fn for_result(self) -> Uuid {
        match self {
            Self::FreshEachTime | Self::Nil => Uuid::new_v4(),
            Self::Stable(id) => id,
        }
    }
}

/// What an agent does when it is asked to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CancelHabit {
    /// It knows no such work and says so; the job goes on.
    #[default]
    AnswersFailed,
    /// Nothing.
    Ignores,
    /// It stops the job, whose result is then `cancelled`; also a job that it has yet to take.
    Obeys,
}

/// All of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// When it acknowledges.
    pub acknowledges: Acknowledges,
    /// By which id it is known.
    pub identity: Identity,
    /// What it does when asked to cancel.
    pub cancel: CancelHabit,
    /// Times without a zone, and without a fraction where that is zero.
    pub zone_less_timestamps: bool,
    /// It vanishes in the middle of the job with this number, counting from 1.
    pub dies_in_job: Option<u32>,
    /// How often it sends each result.
    pub answers: u32,
    /// It answers a request id that it knows with the result that it gave first.
    pub remembers_results: bool,
    /// Its messages survive a restart of the broker.
    pub persistent_replies: bool,
    /// Time between heartbeats; the first comes when it has passed once.
    pub heartbeat_interval: Duration,
    /// How long `slow_echo` takes.
    pub slow_echo: Duration,
    /// Steps of `slow_echo` that are told as progress.
    pub progress_steps: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            acknowledges: Acknowledges::default(),
            identity: Identity::default(),
            cancel: CancelHabit::default(),
            zone_less_timestamps: true,
            dies_in_job: None,
            answers: 1,
            remembers_results: true,
            persistent_replies: false,
            heartbeat_interval: Duration::from_secs(30),
            slow_echo: Duration::from_secs(5),
            progress_steps: 4,
        }
    }
}
