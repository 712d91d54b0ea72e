//! What routing, workers, agents, QA and reviewers tell about the current attempt.

use protocol::events::{
    Failure, FeedbackSource, Routing, TaskCompleted, TaskFailed, TaskOutputCreated, TaskReady,
};
use protocol::vocabulary::{Phase, QaProfile, ReviewDecision, Tier};

use super::{HandOver, Ignored, Life, Outcome};
use crate::tasks::task::{PendingReview, Subtasks, Waiting, WaitingReason};

impl Life<'_> {
    /// A routing decision. It may come after the events of a quick worker: then it only adds what it knows.
    pub(super) fn ready(&mut self, ready: &TaskReady) -> Outcome {
        self.ensure_attempt(Some(ready.attempt))?;
        match self.task.phase {
            Phase::Routing => self.enter(Phase::Ready),
            Phase::Ready | Phase::Executing | Phase::Validating | Phase::InReview | Phase::Done
                if self.task.routing.is_none() => {}
            Phase::Ready | Phase::Executing | Phase::Validating | Phase::InReview => {
                return Err(Ignored::AlreadyKnown);
            }
            Phase::Submitted | Phase::Blocked | Phase::Decomposed | Phase::Done => {
                return self.not_expected();
            }
        }
        if self.task.tier.as_ref() != Some(&ready.tier) {
            self.task.rejections_at_tier = 0;
        }
        self.task.tier = Some(ready.tier.clone());
        self.task.domain = Some(ready.domain.clone());
        self.task.work_mode = Some(ready.mode.clone());
        self.task.qa_profile = Some(ready.qa_profile.clone());
        self.task.routing = Some(ready.routing.clone());
        if self.task.phase == Phase::Validating && ready.qa_profile == QaProfile::None {
            self.complete();
        }
        Ok(Vec::new())
    }

    /// Handed to an agent's queue.
    pub(super) fn dispatched(&mut self, attempt: u32) -> Outcome {
        self.ensure_attempt(Some(attempt))?;
        match self.task.phase {
            Phase::Routing => self.enter(Phase::Ready),
            Phase::Ready | Phase::Executing => return Err(Ignored::AlreadyKnown),
            _ => return self.not_expected(),
        }
        Ok(Vec::new())
    }

    pub(super) fn decomposed(&mut self, attempt: u32, subtasks: u32, routing: Option<&Routing>) -> Outcome {
        self.ensure_attempt(Some(attempt))?;
        if self.task.phase != Phase::Routing {
            return self.not_expected();
        }
        self.task.subtasks = Subtasks { total: subtasks, ..Subtasks::default() };
        self.task.routing = routing.cloned();
        self.task.started_at.get_or_insert(self.now);
        self.task.deadline_at = None;
        self.enter(Phase::Decomposed);
        Ok(Vec::new())
    }

    pub(super) fn routing_failed(&mut self, attempt: u32, failure: &Failure) -> Outcome {
        self.ensure_attempt(Some(attempt))?;
        if self.task.phase != Phase::Routing {
            return self.not_expected();
        }
        self.fail_attempt(failure, self.task.max_attempts);
        Ok(Vec::new())
    }

    /// Routing found the way, and that it is closed: the task waits for a slot again, now that its tier is known,
    /// and is not released before the tier is resumed. The attempt is over, so that what routing may still say about
    /// it means nothing, and costs the task none of those it may have.
    pub(super) fn withheld(&mut self, attempt: u32, tier: &Tier) -> Outcome {
        self.ensure_attempt(Some(attempt))?;
        if self.task.phase != Phase::Routing {
            return self.not_expected();
        }
        if self.task.tier.as_ref() != Some(tier) {
            self.task.rejections_at_tier = 0;
        }
        self.task.tier = Some(tier.clone());
        // Where a lowest tier is known, it is what the queue looks at.
        if self.task.minimum_tier.is_some() {
            self.task.minimum_tier = Some(tier.clone());
        }
        self.task.max_attempts = self.task.max_attempts.saturating_add(1);
        self.next_attempt(None);
        Ok(Vec::new())
    }

    pub(super) fn started(&mut self, worker_id: &Option<String>, message: &Option<String>) -> Outcome {
        match self.task.phase {
            Phase::Routing | Phase::Ready => self.begin_work(),
            Phase::Executing if worker_id.is_none() || self.task.work.worker_id == *worker_id => {
                return Err(Ignored::AlreadyKnown);
            }
            // The message was redelivered to another worker, which now has it.
            Phase::Executing => self.begin_work(),
            _ => return self.not_expected(),
        }
        self.task.work.worker_id.clone_from(worker_id);
        self.task.work.message.clone_from(message);
        Ok(Vec::new())
    }

    /// Progress says that the work has begun as well; how far it is never goes down.
    pub(super) fn progress(
        &mut self,
        worker_id: &Option<String>,
        percent: Option<f64>,
        message: &Option<String>,
    ) -> Outcome {
        match self.task.phase {
            Phase::Routing | Phase::Ready => self.begin_work(),
            Phase::Executing => {}
            _ => return self.not_expected(),
        }
        let work = &mut self.task.work;
        if worker_id.is_some() {
            work.worker_id.clone_from(worker_id);
        }
        if message.is_some() {
            work.message.clone_from(message);
        }
        let percent = percent.filter(|percent| percent.is_finite()).map(|percent| percent.clamp(0.0, 100.0));
        work.percent = match (work.percent, percent) {
            (Some(before), Some(now)) => Some(before.max(now)),
            (before, now) => now.or(before),
        };
        Ok(Vec::new())
    }

    pub(super) fn output(&mut self, output: &TaskOutputCreated) -> Outcome {
        self.ensure_attempt(output.attempt)?;
        match self.task.phase {
            Phase::Routing | Phase::Ready | Phase::Executing => {}
            Phase::Validating | Phase::InReview => return Err(Ignored::AlreadyKnown),
            _ => return self.not_expected(),
        }
        if self.task.work.started_at.is_none() {
            self.begin_work();
        }
        let work = &mut self.task.work;
        work.artifacts.clone_from(&output.output.artifacts);
        if work.artifacts.is_empty() {
            work.artifacts.push(main_artifact(output));
        }
        if output.worker_id.is_some() {
            work.worker_id.clone_from(&output.worker_id);
        }
        work.model_used.clone_from(&output.model_used);
        work.tokens_input = output.tokens_input;
        work.tokens_output = output.tokens_output;
        work.execution_time_ms = output.execution_time_ms;
        work.percent = Some(100.0);
        let unjudged = self.task.qa_profile.as_ref().or(self.task.submission.options.qa_profile.as_ref());
        if unjudged == Some(&QaProfile::None) {
            self.complete();
        } else {
            self.enter(Phase::Validating);
        }
        Ok(Vec::new())
    }

    pub(super) fn agent_completed(&mut self, result: &TaskCompleted) -> Outcome {
        self.ensure_attempt(result.attempt)?;
        self.ensure_request(result.request_id)?;
        if !self.task.is_for_agent() {
            return Err(Ignored::OtherLane);
        }
        self.ensure_with_worker()?;
        let work = &mut self.task.work;
        if result.agent_id.is_some() {
            work.worker_id.clone_from(&result.agent_id);
        }
        work.exit_code = result.exit_code;
        work.output = Some(result.output.clone());
        work.analysis.clone_from(&result.analysis_result);
        work.execution_time_ms = result.duration_ms;
        work.percent = Some(100.0);
        self.complete();
        Ok(Vec::new())
    }

    pub(super) fn failed(&mut self, failed: &TaskFailed) -> Outcome {
        self.ensure_attempt(failed.attempt)?;
        self.ensure_request(failed.request_id)?;
        if self.task.phase != Phase::Validating {
            self.ensure_with_worker()?;
        }
        let work = &mut self.task.work;
        if let Some(worker) = failed.worker_id.as_ref().or(failed.agent_id.as_ref()) {
            work.worker_id = Some(worker.clone());
        }
        work.exit_code = failed.exit_code.or(work.exit_code);
        work.execution_time_ms = failed.duration_ms.or(work.execution_time_ms);
        if failed.output.is_some() {
            work.output.clone_from(&failed.output);
        }
        if failed.analysis_result.is_some() {
            work.analysis.clone_from(&failed.analysis_result);
        }
        self.learn(FeedbackSource::Worker, &failed.error.message, Vec::new());
        let mut failure = failed.error.clone();
        failure.retryable &= !self.is_final_verdict(&failure);
        self.fail_attempt(&failure, self.task.max_attempts);
        Ok(Vec::new())
    }

    /// An agent that says that the work failed has done it: doing it again is for the submitter to ask for. Lost
    /// agents, deadlines and broken messages say nothing about the work.
    fn is_final_verdict(&self, failure: &Failure) -> bool {
        let is_verdict = [Failure::AGENT_FAILED, Failure::AGENT_CANCELLED].contains(&failure.code.as_str());
        let asked_again = self.task.submission.options.max_attempts.is_some_and(|attempts| attempts > 1);
        is_verdict && self.task.is_for_agent() && !asked_again
    }

    pub(super) fn agent_lost(&mut self, agent_id: &str) -> Outcome {
        let holder = self.task.work.worker_id.as_deref();
        if self.task.phase != Phase::Executing || holder != Some(agent_id) {
            return self.not_expected();
        }
        let message = format!("agent {agent_id} fell silent while it held the task");
        self.learn(FeedbackSource::Worker, &message, Vec::new());
        self.fail_attempt(&Failure::new("AGENT_LOST", message, true), self.task.max_attempts);
        Ok(Vec::new())
    }

    pub(super) fn validated(&mut self, attempt: Option<u32>) -> Outcome {
        self.ensure_attempt(attempt)?;
        self.ensure_judgeable()?;
        self.complete();
        Ok(Vec::new())
    }

    pub(super) fn rejected(
        &mut self,
        attempt: Option<u32>,
        reason: Option<&str>,
        issues: &[serde_json::Value],
        retryable: bool,
    ) -> Outcome {
        self.ensure_attempt(attempt)?;
        self.ensure_judgeable()?;
        let message = reason.map_or_else(|| summary(issues), ToOwned::to_owned);
        self.learn(FeedbackSource::Qa, &message, issues.to_vec());
        self.count_rejection();
        self.fail_attempt(&Failure::new("REJECTED", message, retryable), self.task.max_attempts);
        Ok(Vec::new())
    }

    pub(super) fn review_requested(
        &mut self,
        attempt: Option<u32>,
        review_id: &str,
        reason: &str,
    ) -> Outcome {
        self.ensure_attempt(attempt)?;
        match self.task.phase {
            Phase::Validating => {}
            Phase::InReview => return Err(Ignored::AlreadyKnown),
            _ => return self.ensure_judgeable().map(|()| Vec::new()),
        }
        self.enter(Phase::InReview);
        self.task.deadline_at = None;
        self.task.review = Some(PendingReview { review_id: review_id.to_owned(), reason: reason.to_owned() });
        self.task.waiting = Some(Waiting::because(WaitingReason::Review, format!("review {review_id}")));
        Ok(Vec::new())
    }

    pub(super) fn review_completed(
        &mut self,
        review_id: &str,
        decision: ReviewDecision,
        comments: Option<&str>,
        required_changes: &[String],
    ) -> Outcome {
        match &self.task.review {
            Some(pending) if pending.review_id == review_id => {}
            Some(_) => return Err(Ignored::OtherReview),
            None => {
                self.ensure_judgeable()?;
                return Err(Ignored::Early(self.task.phase));
            }
        }
        let issues: Vec<_> = required_changes.iter().cloned().map(serde_json::Value::String).collect();
        let message = comments.map_or_else(|| summary(&issues), ToOwned::to_owned);
        match decision {
            ReviewDecision::Approved => self.complete(),
            ReviewDecision::Rejected => {
                self.learn(FeedbackSource::Review, &message, issues);
                self.count_rejection();
                let failure = Failure::new("REVIEW_REJECTED", message, true);
                self.fail_attempt(&failure, self.task.max_attempts);
            }
            ReviewDecision::ChangesRequested => {
                self.learn(FeedbackSource::Review, &message, issues);
                let allowed = self.task.max_attempts.saturating_add(self.rules.review_extra_attempts);
                let failure = Failure::new("CHANGES_REQUESTED", message, true);
                self.fail_attempt(&failure, allowed);
            }
        }
        Ok(Vec::new())
    }

    fn begin_work(&mut self) {
        self.enter(Phase::Executing);
        self.task.work.started_at = Some(self.now);
        self.task.started_at.get_or_insert(self.now);
    }

    /// Fences off signs of work on an earlier attempt. Agents that make up the ids of an envelope make up both.
    pub(super) fn ensure_current(
        &self,
        attempt: Option<u32>,
        hand_over: Option<HandOver>,
    ) -> Result<(), Ignored> {
        self.ensure_attempt(attempt)?;
        let trace_id = self.task.submission.trace_id;
        let repeated = hand_over.filter(|told| self.task.is_for_agent() && told.trace_id == trace_id);
        self.ensure_request(repeated.map(|told| told.request_id))
    }

    /// Fences off answers to an earlier hand-over, which name no attempt but their request.
    fn ensure_request(&self, told: Option<protocol::RequestId>) -> Result<(), Ignored> {
        match told {
            Some(told) if told != self.task.request_id => Err(Ignored::OtherRequest),
            _ => Ok(()),
        }
    }

    /// Routing counts as with a worker: its decision may be overtaken by the worker's events.
    fn ensure_with_worker(&self) -> Result<(), Ignored> {
        match self.task.phase {
            Phase::Routing | Phase::Ready | Phase::Executing => Ok(()),
            _ => self.not_expected(),
        }
    }

    /// A verdict needs an output. Where the output may still be on its way, the verdict is worth keeping.
    fn ensure_judgeable(&self) -> Result<(), Ignored> {
        match self.task.phase {
            Phase::Validating | Phase::InReview => Ok(()),
            Phase::Routing | Phase::Ready | Phase::Executing if !self.task.is_for_agent() => {
                Err(Ignored::Early(self.task.phase))
            }
            _ => self.not_expected(),
        }
    }
}

fn main_artifact(output: &TaskOutputCreated) -> protocol::events::Artifact {
    protocol::events::Artifact {
        artifact_id: output.artifact_id.clone(),
        artifact_type: "document".to_owned(),
        path: None,
        language: None,
        checksum: None,
        size_bytes: output.output.content.as_ref().map(|content| content.len() as u64),
    }
}

/// One sentence from a list of issues, which are texts or objects with a message.
fn summary(issues: &[serde_json::Value]) -> String {
    let texts: Vec<&str> = issues
        .iter()
        .filter_map(|issue| issue.as_str().or_else(|| issue.get("message").and_then(|text| text.as_str())))
        .collect();
    if texts.is_empty() { "no reason was given".to_owned() } else { texts.join("; ") }
}
