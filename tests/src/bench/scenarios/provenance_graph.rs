//! The provenance-store over a large graph: questions one after another over request/reply, then marks, then new
//! outputs that were made from what is there.

use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::events::{ArtifactTainted, Exchange};
use protocol::provenance_query::ProvenanceQuery;
use protocol::provenance_query::graph::{ImpactQuery, ReachedQuery};
use protocol::{ArtifactId, Event};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Scenario;
use super::provenance_write::{CHUNK, outputs};
use crate::Role;
use crate::bench::cast::Cast;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::graph::{Graph, answers, p95};
use crate::bench::rounds::median;
use crate::bench::scale::Scale;
use crate::bench::stage::{Stage, growth_rate};

/// Questions for records and direct dependents, for each about a whole impact.
const QUICK_ONES: usize = 20;
/// How often something is marked.
const TAINTS: usize = 5;
/// New outputs, for so many messages of the scale's backlog.
const SHARE: usize = 10;
/// Longest wait for the end of a cascade.
const CASCADE_WITHIN: Duration = Duration::from_secs(60);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provenance-graph",
    operation: "questions, marks and new outputs over 1,000,000 records with 3,000,000 edges",
    targets: &[
        (Quantity::RecordP95, Target::Under(5.0)),
        (Quantity::DirectP95, Target::Under(10.0)),
        (Quantity::SmallImpactP95, Target::Under(40.0)),
        (Quantity::LargeImpactP95, Target::Under(500.0)),
        (Quantity::Taint, Target::Under(1_000.0)),
        (Quantity::Rate, Target::AtLeast(3_000.0)),
        (Quantity::ProvenanceMemory, Target::Under(200.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let mut stage = Stage::start(&[Role::Provenance]).await;
        let database = stage.stack.provenance_database().client().await;
        let graph = Graph::load(&database, scale.graph).await;
        let cast = Cast::at(&stage);
        let mut findings = ask(&cast, graph, scale.questions).await;
        findings.push((Quantity::Taint, taint(&stage, &cast, graph).await));
        let before = stage.memory();
        findings.push((Quantity::Rate, write(&mut stage, &cast, graph, scale.backlog / SHARE).await));
        // Of the two processes the larger one.
        let largest = stage.memory().into_iter().chain(before).map(|(_, memory)| memory).fold(0.0, f64::max);
        findings.push((Quantity::ProvenanceMemory, largest));
        findings
    }
    .boxed()
}

async fn ask(cast: &Cast, graph: Graph, questions: usize) -> Findings {
    let asker = cast.asker();
    answers(&asker).await;
    let impact = |id| ProvenanceQuery::AnalyzeImpact(ImpactQuery { id, max_depth: None });
    let affects = |wanted: usize| move |answer: &Value| answer["total_affected"] == wanted;
    let direct = |number| {
        let id = graph.any(number);
        ProvenanceQuery::ListDependents(ReachedQuery {
            id,
            transitive: false,
            max_depth: None,
            limit: 200,
            after: None,
        })
    };
    let record = |number| ProvenanceQuery::GetRecord { id: graph.any(number) };
    let quick = questions * QUICK_ONES;
    // The first of each kind warms up what a service that has been running for a while has warm.
    p95(&asker, quick, record, Value::is_object).await;
    let record = p95(&asker, quick, record, Value::is_object).await;
    let direct = p95(&asker, quick, direct, |answer| answer["artifacts"].is_array()).await;
    let middle = |number| impact(graph.middle_root(number));
    p95(&asker, questions, middle, affects(graph.middle_size())).await;
    let small = p95(&asker, questions, middle, affects(graph.middle_size())).await;
    let large = |number| impact(graph.large_root(number));
    let large = p95(&asker, questions / 2 + 1, large, affects(graph.large_size())).await;
    let deep = |_| impact(graph.beginning_of_row());
    let deep = p95(&asker, questions / 10 + 1, deep, affects(graph.middle_size())).await;
    vec![
        (Quantity::RecordP95, record),
        (Quantity::DirectP95, direct),
        (Quantity::SmallImpactP95, small),
        (Quantity::LargeImpactP95, large),
        (Quantity::DeepImpactP95, deep),
    ]
}

/// Milliseconds from an `artifact.tainted` to the `cascade.completed` that follows: by then marks, account and events
/// are committed and the events are with the broker. The median of some.
async fn taint(stage: &Stage, cast: &Cast, graph: Graph) -> f64 {
    let (tell, mut told) = mpsc::unbounded_channel();
    let heard = move |_: &Event| {
        // Nobody waits any more when the scenario failed.
        let _ = tell.send(Instant::now());
    };
    cast.listen_to(stage, Exchange::Cascade, &["cascade.completed"], heard).await;
    let mut times = Vec::new();
    for number in 0..TAINTS {
        let artifact_id = ArtifactId::new(graph.middle_root(number)).expect("an artifact id");
        let tainted = ArtifactTainted {
            artifact_ids: vec![artifact_id],
            reason: "wrong".to_owned(),
            ..ArtifactTainted::default()
        };
        let begun = Instant::now();
        cast.publish(vec![
            Event::new("/bench", Utc::now(), tainted).to_wire(None).expect("an event as JSON"),
        ])
        .await;
        let completed = tokio::time::timeout(CASCADE_WITHIN, told.recv()).await;
        let completed = completed.expect("the cascade ends").expect("it is told");
        times.push((completed - begun).as_secs_f64() * 1_000.0);
    }
    let suspects = "SELECT sum(suspect)::bigint FROM project_counters";
    let database = stage.stack.provenance_database().client().await;
    let suspects = crate::bench::stage::number(&database, suspects).await;
    assert_eq!(suspects, (TAINTS * graph.middle_size()) as i64, "all dependents are suspect");
    median(&times)
}

/// Records a second from a backlog of outputs.
async fn write(stage: &mut Stage, cast: &Cast, graph: Graph, count: usize) -> f64 {
    let store = stage.stack.kill(Role::Provenance).await;
    for some in outputs(count, |index, input| Some(graph.any(index * 2 + input))).chunks(CHUNK) {
        cast.publish(some.to_vec()).await;
    }
    stage.stack.launch(Role::Provenance, store);
    let database = stage.stack.provenance_database().client().await;
    let new = format!("SELECT sum(records)::bigint - {} FROM project_counters", graph.records());
    let rate = growth_rate(&database, &new, count as i64, "the backlog is written").await;
    stage.stack.ready(Role::Provenance).await;
    rate
}
