//! Every metric of this service, by name, in one place.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use protocol::events::Analyzer;
use protocol::vocabulary::{AgentType, Domain};

const DECISIONS: &str = "dats_routing_decisions_total";
const REFUSALS: &str = "dats_routing_failures_total";
const SPLITS: &str = "dats_routing_decompositions_total";
const FALLBACKS: &str = "dats_routing_fallbacks_total";
const ANALYSIS: &str = "dats_routing_analysis_seconds";
const BREAKER: &str = "dats_routing_breaker_state";
const DROPPED: &str = "dats_routing_cancelled_total";
const DISPATCHED: &str = "dats_routing_agent_requests_total";
const REPLIES: &str = "dats_routing_agent_replies_total";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    describe_counter!(DECISIONS, "Task attempts sent to a worker queue, by tier, domain and analyzer");
    describe_counter!(REFUSALS, "Task attempts for which no way was found, by code");
    describe_counter!(SPLITS, "Tasks split into subtasks, by analyzer");
    describe_counter!(FALLBACKS, "Steps done by a fallback because an outside service did not help, by step");
    describe_histogram!(ANALYSIS, "Seconds that the Agent Service took to analyse and estimate a task");
    describe_gauge!(BREAKER, "Circuit breaker by service: 0 closed, 1 probing, 2 open");
    describe_counter!(DISPATCHED, "Work requests put into agents' queues, by agent type");
    describe_counter!(REPLIES, "Messages from agents, by kind; unreadable ones go to the dead letters");
    describe_counter!(DROPPED, "Task attempts dropped because the task was cancelled meanwhile");
}

/// A task attempt was sent to a tier. Domains that we do not know share one label, so that outsiders cannot make
/// labels without end.
pub fn decided(tier: &str, domain: &Domain, analyzer: Analyzer) {
    let domain = if domain.is_known() { domain.as_str().to_owned() } else { "other".to_owned() };
    counter!(DECISIONS, "tier" => tier.to_owned(), "domain" => domain, "analyzer" => name_of(analyzer))
        .increment(1);
}

/// No way was found.
pub fn refused(code: &'static str) {
    counter!(REFUSALS, "code" => code).increment(1);
}

/// A task was split.
pub fn split(analyzer: Analyzer) {
    counter!(SPLITS, "analyzer" => name_of(analyzer)).increment(1);
}

/// An outside service did not help with a step.
pub fn fell_back(step: &'static str) {
    counter!(FALLBACKS, "step" => step).increment(1);
}

/// The Agent Service answered, or failed to, after that time.
pub fn analysis_took(time: Duration) {
    histogram!(ANALYSIS).record(time);
}

/// A breaker stands here now.
pub fn breaker_is(service: &'static str, state: f64) {
    gauge!(BREAKER, "service" => service).set(state);
}

/// A task attempt was dropped.
pub fn dropped() {
    counter!(DROPPED).increment(1);
}

/// A request was put into the queue of its agents.
pub fn dispatched(agent_type: AgentType) {
    counter!(DISPATCHED, "agent_type" => agent_type.as_str()).increment(1);
}

/// An agent sent a message of that kind.
pub fn agent_said(kind: &'static str) {
    counter!(REPLIES, "kind" => kind).increment(1);
}

/// An agent sent something that is not understood.
pub fn agent_not_understood() {
    counter!(REPLIES, "kind" => "unreadable").increment(1);
}

const fn name_of(analyzer: Analyzer) -> &'static str {
    match analyzer {
        Analyzer::AgentService => "agent-service",
        Analyzer::Rules => "rules",
        Analyzer::Pinned => "pinned",
    }
}
