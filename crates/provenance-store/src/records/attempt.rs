//! Everything known of one task attempt, and how a new fact joins it. Pure; the order of facts never matters.

use protocol::vocabulary::{Domain, Tier};
use protocol::{ProjectId, ProvenanceId, RequestId, TaskId, Timestamp};

use super::projection::Marks;
use super::report::Reported;
use super::verdict::Verdict;

/// Names a task attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    /// The task.
    pub task_id: TaskId,
    /// Which pass, from 1.
    pub attempt: u32,
}

impl AttemptKey {
    /// The id of the attempt's record.
    #[must_use]
    pub fn provenance_id(self) -> ProvenanceId {
        ProvenanceId::of_attempt(self.task_id, self.attempt)
    }
}

/// What the gateway says of an attempt. Ordered by its sequence: the highest is the latest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Announced {
    /// Position among the changes of the task.
    pub sequence: u64,
    /// The project.
    pub project_id: ProjectId,
    /// The tier, once routed.
    pub tier: Option<Tier>,
    /// The domain, once routed.
    pub domain: Option<Domain>,
}

/// One announcement of the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// What it says of the attempt.
    pub announced: Announced,
    /// Set if it says that the attempt executes: since when.
    pub executing_since: Option<Timestamp>,
    /// Set if it names the hand-over of the attempt.
    pub request_id: Option<RequestId>,
    /// Set if it says that the task was completed by this attempt.
    pub acceptance: Option<Verdict>,
}

/// What is known of an attempt apart from its reports. May be known before there is any report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AttemptFacts {
    /// The gateway's latest word.
    pub announced: Option<Announced>,
    /// When the attempt was first said to execute.
    pub started_at: Option<Timestamp>,
    /// The hand-over that an agent's result names instead of the attempt. Not of the latest word alone: not every
    /// announcement has it.
    pub request_id: Option<RequestId>,
    /// The verdict that counts.
    pub verdict: Option<Verdict>,
}

impl AttemptFacts {
    fn announce(&mut self, announcement: Announcement) {
        self.announced = self.announced.take().max(Some(announcement.announced));
        self.started_at = match (self.started_at, announcement.executing_since) {
            (Some(known), Some(told)) => Some(known.min(told)),
            (known, told) => known.or(told),
        };
        // An attempt has only one; were there two, either would do, as long as the order does not decide.
        self.request_id = self.request_id.max(announcement.request_id);
        if let Some(verdict) = announcement.acceptance {
            self.judge(verdict);
        }
    }

    fn judge(&mut self, verdict: Verdict) {
        self.verdict = Some(match self.verdict.take() {
            Some(known) => known.stronger(verdict),
            None => verdict,
        });
    }
}

/// A record: an attempt's reports, and the marks that were put on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Everything reported.
    pub reported: Reported,
    /// What was found out later.
    pub marks: Marks,
}

/// One thing told about an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The gateway says where the attempt is.
    Announced(Announcement),
    /// A worker or agent says what it made. Boxed: much larger than the others.
    Reported(Box<Reported>),
    /// Somebody judged.
    Judged(Verdict),
}

/// Everything known of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Which.
    pub key: AttemptKey,
    /// What is known apart from reports.
    pub facts: AttemptFacts,
    /// Its record, once there was a report.
    pub record: Option<Record>,
}

impl Attempt {
    /// An attempt of which nothing is known yet.
    #[must_use]
    pub fn unknown(key: AttemptKey) -> Self {
        Self { key, facts: AttemptFacts::default(), record: None }
    }

    /// Takes in a fact. Commutes, and repeating a fact changes nothing.
    pub fn absorb(&mut self, fact: Fact) {
        match fact {
            Fact::Announced(announcement) => self.facts.announce(announcement),
            Fact::Judged(verdict) => self.facts.judge(verdict),
            Fact::Reported(reported) => match &mut self.record {
                Some(record) => record.reported.unite(*reported),
                None => self.record = Some(Record { reported: *reported, marks: Marks::default() }),
            },
        }
    }
}
