//! What a worker or agent tells of its own work, and how several reports of one attempt become one:
//! the members come from the report that ranks first, outputs and inputs are united.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use protocol::events::{Artifact, Input, JsonObject};
use protocol::vocabulary::{Domain, Relationship, Tier};
use protocol::{ArtifactId, EventId, ProjectId, Timestamp};

/// Which event a report came with; a later variant outranks an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKind {
    /// `task.completed`: an agent's result, which tells little.
    Result,
    /// `task.output.created`: a worker's output.
    Output,
}

impl ReportKind {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Output => "output",
        }
    }
}

/// Where a report stands among the reports of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportKey {
    /// Which event it came with.
    pub kind: ReportKind,
    /// When that event happened.
    pub at: Timestamp,
    /// That event's id.
    pub event_id: EventId,
}

impl ReportKey {
    /// Whether this report's members count rather than the other's: an output before a result, then the
    /// earlier one, which is the one that the gateway acted on.
    #[must_use]
    pub fn outranks(&self, other: &Self) -> bool {
        let rank = |key: &Self| (key.kind, Reverse((key.at, key.event_id)));
        rank(self) > rank(other)
    }
}

/// The members of a report, apart from outputs and inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where it stands.
    pub key: ReportKey,
    /// The project.
    pub project_id: Option<ProjectId>,
    /// The tier.
    pub tier: Option<Tier>,
    /// The domain.
    pub domain: Option<Domain>,
    /// The model.
    pub model_used: Option<String>,
    /// The worker or agent.
    pub worker_id: Option<String>,
    /// Tokens read.
    pub tokens_input: Option<u64>,
    /// Tokens written.
    pub tokens_output: Option<u64>,
    /// Duration in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Anything else that was told.
    pub execution: JsonObject,
    /// When the work began.
    pub started_at: Option<Timestamp>,
}

impl Report {
    /// When the inputs were read, as far as anybody can know: at the start, and never after the report.
    #[must_use]
    pub fn inputs_read_at(&self) -> Timestamp {
        self.started_at.map_or(self.key.at, |start| start.min(self.key.at))
    }
}

/// One output of an attempt, and who told of it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// Its description.
    pub artifact: Artifact,
    /// Whether the content that came along has the checksum that was told; `None` where no content came along.
    pub content_matches: Option<bool>,
    /// Time of the event that told of it.
    pub produced_at: Timestamp,
    /// That event's id.
    pub reported_by: EventId,
    /// Place among the outputs of that event.
    pub position: u32,
}

impl Produced {
    fn earlier(self, other: Self) -> Self {
        if (other.produced_at, other.reported_by) < (self.produced_at, self.reported_by) {
            other
        } else {
            self
        }
    }
}

/// How an input was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// How.
    pub relationship: Relationship,
    /// Place among the inputs of the report, of several reports the first place.
    pub position: u32,
}

/// One report, or several of the same attempt put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// The members.
    pub report: Report,
    /// What was made, by artifact id.
    pub outputs: BTreeMap<ArtifactId, Produced>,
    /// What was used; how, by artifact id and checksum at the time of use.
    pub inputs: BTreeMap<(ArtifactId, Option<String>), Use>,
}

impl Reported {
    /// A report as it came. Of an artifact that is named twice the first mention counts.
    #[must_use]
    pub fn new(report: Report, artifacts: Vec<Artifact>, inputs: Vec<Input>) -> Self {
        let mut outputs = BTreeMap::new();
        for (position, artifact) in (0..).zip(artifacts) {
            let produced = Produced {
                artifact,
                content_matches: None,
                produced_at: report.key.at,
                reported_by: report.key.event_id,
                position,
            };
            outputs.entry(produced.artifact.artifact_id.clone()).or_insert(produced);
        }
        let mut reported = Self { report, outputs, inputs: BTreeMap::new() };
        reported.unite_inputs((0..).zip(inputs).map(|(position, input)| {
            ((input.artifact_id, input.checksum), Use { relationship: input.relationship, position })
        }));
        reported
    }

    /// Puts another report of the same attempt beside this one. Commutes, and repeating changes nothing.
    pub fn unite(&mut self, other: Self) {
        if other.report.key.outranks(&self.report.key) {
            self.report = other.report;
        }
        for (id, theirs) in other.outputs {
            let produced = match self.outputs.remove(&id) {
                Some(ours) => ours.earlier(theirs),
                None => theirs,
            };
            self.outputs.insert(id, produced);
        }
        self.unite_inputs(other.inputs);
    }

    /// What was used, in the order of the report, with the places there.
    pub fn inputs(&self) -> impl Iterator<Item = (u32, Input)> + '_ {
        let mut inputs: Vec<_> = self.inputs.iter().collect();
        inputs.sort_by_key(|(_, used)| used.position);
        inputs.into_iter().map(|((artifact_id, checksum), used)| {
            let (artifact_id, checksum) = (artifact_id.clone(), checksum.clone());
            (used.position, Input { artifact_id, relationship: used.relationship, checksum })
        })
    }

    /// An input that was both looked at and used counts as used.
    fn unite_inputs(&mut self, inputs: impl IntoIterator<Item = ((ArtifactId, Option<String>), Use)>) {
        for (input, used) in inputs {
            let known = self.inputs.entry(input).or_insert(used);
            known.relationship = used.relationship.min(known.relationship);
            known.position = used.position.min(known.position);
        }
    }
}
