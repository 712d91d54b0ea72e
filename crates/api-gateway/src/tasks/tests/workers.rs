//! Workers as their events tell, through whichever gateway those come.

use std::time::Duration;

use protocol::vocabulary::Tier;
use serde_json::json;

use super::fixture::*;
use crate::reconcilers::schedule::Reconciler;
use crate::reconcilers::workers::Workers;
use crate::workers::{WorkerStatus, list_workers};

async fn write_down(replica: &Replica) {
    let mut reconciler = Workers {
        service: replica.service.clone(),
        interval: Duration::from_secs(1),
        forget_after_seconds: 1_000,
    };
    reconciler.pass(true).await.unwrap();
}

#[tokio::test]
async fn a_worker_is_active_while_it_works_then_idle_then_offline_and_then_forgotten() {
    let gateway = Fixture::new("workers").await;
    let second = gateway.second();
    let task = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&task), started(&task)]).await;
    let other =
        told("task.progress", task.submission.id, json!({ "attempt": 1, "worker_id": "w".repeat(300) }));
    second.tell(vec![other]).await;
    write_down(&second).await;
    gateway.tell(vec![started(&task)]).await;
    write_down(&gateway).await;
    let workers = list_workers(&gateway.service, 900).await.unwrap();
    assert_eq!(workers.len(), 1, "a name without end is not kept: {workers:?}");
    let worker = &workers[0];
    assert_eq!((worker.worker_id.as_str(), worker.status), ("worker-1", WorkerStatus::Active));
    assert_eq!((worker.current_task, worker.tier.clone()), (Some(task.submission.id), Some(Tier::Small)));

    gateway.clock.advance(Duration::from_secs(5));
    second.tell(vec![output(&task)]).await;
    gateway.tell(vec![validated(&task)]).await;
    // In whichever order the replicas write.
    write_down(&gateway).await;
    write_down(&second).await;
    let status = async |gateway: &Fixture| {
        let workers = list_workers(&gateway.service, 900).await.unwrap();
        workers.first().map(|worker| (worker.status, worker.current_task, worker.tasks_completed))
    };
    assert_eq!(status(&gateway).await, Some((WorkerStatus::Idle, None, 1)));
    gateway.clock.advance(Duration::from_secs(901));
    assert_eq!(status(&gateway).await, Some((WorkerStatus::Offline, None, 1)));
    gateway.clock.advance(Duration::from_secs(100));
    write_down(&gateway).await;
    assert_eq!(status(&gateway).await, None);
}

#[tokio::test]
async fn a_worker_whose_task_was_taken_from_it_does_not_work_on_it_any_more() {
    let gateway = Fixture::new("taken").await;
    let task = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&task), started(&task)]).await;
    write_down(&gateway).await;
    gateway.pass_time(Duration::from_secs(601)).await;
    let workers = list_workers(&gateway.service, 900).await.unwrap();
    assert_eq!((workers[0].status, workers[0].current_task), (WorkerStatus::Idle, None));
    let late = output(&task);
    gateway.tell(vec![late]).await;
    write_down(&gateway).await;
    assert_eq!(list_workers(&gateway.service, 900).await.unwrap()[0].tasks_completed, 0);
}
