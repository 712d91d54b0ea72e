//! Dead letters as operators see them: listed, driven again, deleted. One look at a time per replica: what one look
//! holds, another would not see.

mod body;
mod query;

pub use body::{Encoding, LetterBody};
pub use query::{Chosen, DeadLetterFilter, Selection};

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use messaging::{DeadLetter, DeadLetterError, DeadLetters, DeadQueue, Verdict};
use protocol::{Event, TaskId};
use service_runtime::clock::Clock;

use crate::queues::Queues;

/// Most letters that one answer shows.
pub const MOST_SHOWN: usize = 200;

/// A dead letter as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterSummary {
    /// Its id.
    pub id: String,
    /// The queue that it lies in.
    pub queue: String,
    /// Exchange that it was published to.
    pub exchange: String,
    /// Key that it was published with.
    pub routing_key: String,
    /// The event, as far as it names one.
    pub event: Option<String>,
    /// The task that it is about, as far as it can be read.
    pub task_id: Option<TaskId>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// How often its handling failed.
    pub failures: u32,
    /// When it failed first, or died.
    pub since: Option<DateTime<Utc>>,
    /// What it says; only where that was asked for.
    pub body: Option<LetterBody>,
}

impl DeadLetterSummary {
    fn of(queue: &str, letter: &DeadLetter) -> Self {
        let event = letter.event_type.as_deref().map(|name| name.strip_prefix("dats.").unwrap_or(name));
        let decoded = Event::decode(letter.incoming(), DateTime::UNIX_EPOCH.into()).ok();
        Self {
            id: letter.id.clone(),
            queue: queue.to_owned(),
            exchange: letter.exchange.clone(),
            routing_key: letter.routing_key.clone(),
            event: event.filter(|name| !name.is_empty()).or(Some(&letter.routing_key)).map(ToOwned::to_owned),
            task_id: decoded.and_then(|event| event.data.task_id()),
            reason: letter.reason.clone(),
            failures: letter.failures,
            since: letter.since,
            body: None,
        }
    }
}

/// What a look has found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterReport {
    /// The letters that were chosen, up to a number.
    pub letters: Vec<DeadLetterSummary>,
    /// How many were chosen.
    pub matched: usize,
    /// How many were driven again.
    pub redriven: usize,
    /// How many were deleted.
    pub purged: usize,
    /// How many were to be driven again and are still there.
    pub failed: usize,
    /// Whether there may be more that were not looked at.
    pub truncated: bool,
}

/// What is to be done with the letters that are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// They are shown, up to a number.
    Show(usize),
    /// They are counted.
    Count,
    /// They go back to where they belong.
    Redrive,
    /// They are deleted.
    Purge,
}

impl Deed {
    const fn verdict(self) -> Verdict {
        match self {
            Self::Show(_) | Self::Count => Verdict::Leave,
            Self::Redrive => Verdict::Redrive,
            Self::Purge => Verdict::Purge,
        }
    }
}

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct DeadLetterOffice {
    queues: Queues,
    letters: DeadLetters,
    clock: Arc<dyn Clock>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl DeadLetterOffice {
    /// The dead letters of these queues.
    #[must_use]
    pub fn new(queues: Queues, letters: DeadLetters, clock: Arc<dyn Clock>) -> Self {
        Self { queues, letters, clock, turn: Arc::default() }
    }

    /// Whether dead letters are kept in that queue.
    #[must_use]
    pub fn knows(&self, queue: &str) -> bool {
        self.queues.is_dead(queue)
    }

    /// The names of the queues that they are kept in.
    #[must_use]
    pub fn queues(&self) -> Vec<&str> {
        self.queues.dead().iter().map(|queue| queue.name.as_str()).collect()
    }

    /// Does `deed` with the letters that `selection` chooses. Doing it twice does no harm: what was driven again or
    /// deleted is not there the second time.
    ///
    /// # Errors
    /// When the broker does not answer; what was done before stays done.
    pub async fn visit(&self, selection: Selection, deed: Deed) -> Result<DeadLetterReport, DeadLetterError> {
        let _turn = self.turn.lock().await;
        let selection = Arc::new(selection);
        let mut report = DeadLetterReport::default();
        for queue in self.queues.dead().iter().filter(|queue| selection.looks_into(&queue.name)) {
            let full = matches!(deed, Deed::Show(most) if report.letters.len() >= most);
            if full {
                report.truncated = true;
                break;
            }
            self.visit_queue(queue, &selection, deed, &mut report).await?;
        }
        Ok(report)
    }

    async fn visit_queue(
        &self,
        queue: &DeadQueue,
        selection: &Arc<Selection>,
        deed: Deed,
        report: &mut DeadLetterReport,
    ) -> Result<(), DeadLetterError> {
        let found = Arc::new(Mutex::new(std::mem::take(report)));
        let (noted, chosen, name) = (Arc::clone(&found), Arc::clone(selection), queue.name.clone());
        let now = self.clock.now();
        let judge = move |letter: &DeadLetter| {
            let mut summary = DeadLetterSummary::of(&name, letter);
            if chosen.judge(&summary, now) == Chosen::No {
                return Verdict::Leave;
            }
            let mut report = noted.lock().unwrap_or_else(PoisonError::into_inner);
            match deed {
                Deed::Show(most) if report.letters.len() >= most => return Verdict::Stop,
                _ => {}
            }
            report.matched += 1;
            if report.letters.len() < MOST_SHOWN {
                summary.body = chosen.shows_bodies().then(|| LetterBody::of(&letter.body));
                report.letters.push(summary);
            }
            deed.verdict()
        };
        let visited = self.letters.visit(queue.clone(), judge).await;
        *report = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        let visit = visited?;
        report.redriven += visit.redriven;
        report.purged += visit.purged;
        report.failed += visit.failed;
        report.truncated |= visit.truncated;
        Ok(())
    }
}
