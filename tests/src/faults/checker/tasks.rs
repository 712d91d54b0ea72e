//! Promises: every task that a client was told to be taken is there, and has ended as its kind must.

use serde_json::Value;

use super::{Inquiry, histories, number};
use crate::faults::workload::{Kind, Promise};

impl Inquiry<'_> {
    pub(super) async fn promises_are_kept(&mut self) {
        for promise in self.evidence.promises {
            let answer = self.client.get(&format!("/tasks/{}", promise.task_id)).await;
            if answer.status != 200 {
                self.wrong(format!("task {} was promised and is lost: {}", promise.task_id, answer.text));
                continue;
            }
            let task = answer.json;
            let history = self.client.history(&promise.task_id).await;
            let mut faults = histories::faults(&task, &history);
            faults.extend(ended_wrongly(promise.kind, &task));
            if promise.kind != Kind::Dispatched {
                faults.extend(self.missing_work(&task));
            }
            for fault in faults {
                self.wrong(format!("task {} ({:?}): {fault}", promise.task_id, promise.kind));
            }
        }
        self.promises_are_distinct();
    }

    /// However often a client had to repeat a request, it made one task.
    pub(super) async fn nothing_was_taken_twice(&mut self) {
        let taken =
            number(&self.gateway, "SELECT count(*) FROM tasks WHERE project_id LIKE 'faults-%'").await;
        let promised = self.evidence.promises.len() as i64;
        if taken < promised || (self.evidence.keys_count && taken > promised) {
            self.wrong(format!("{promised} tasks were promised and {taken} are there"));
        }
    }

    /// Two requests of a client, with keys of their own, never got the same task.
    fn promises_are_distinct(&mut self) {
        let mut ids: Vec<&str> =
            self.evidence.promises.iter().map(|promise: &Promise| &*promise.task_id).collect();
        ids.sort_unstable();
        let repeated: Vec<String> =
            ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned()).collect();
        for id in repeated {
            self.wrong(format!("task {id} was promised twice"));
        }
    }

    /// Attempts that were judged without a worker having made anything.
    fn missing_work(&self, task: &Value) -> Option<String> {
        if task["status"] != "completed" {
            return None;
        }
        let folder = format!("{}/attempt-{}", task["task_id"].as_str()?, task["attempt"]);
        let made = self.evidence.outputs.join(&folder);
        (!made.is_dir()).then(|| format!("completed, but no worker made anything in {folder}"))
    }
}

fn ended_wrongly(kind: Kind, task: &Value) -> Option<String> {
    let status = task["status"].as_str().unwrap_or_default();
    let allowed: &[&str] = match kind {
        Kind::Plain | Kind::RejectedOnce | Kind::FailsOnce => &["completed"],
        Kind::Cancelled => &["cancelled", "completed"],
        // What an agent never answered fails when its attempts are used up.
        Kind::Dispatched => &["completed", "failed"],
    };
    (!allowed.contains(&status)).then(|| format!("is {status}: {}", task["error"]))
}
